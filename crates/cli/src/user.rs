//! Who `-u USER` is: uid, gid and groups from passwd(5) and group(5).
//!
//! Key types: [`User`]. Reads the two files only; users that another name service knows are not found, as in any
//! static program. Neighbours: `run`.

use std::fs;

/// A user to run a program as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All groups, the primary one too.
    pub groups: Vec<u32>,
}

/// Finds a user by name.
///
/// # Errors
/// A message: which file cannot be read, or that there is no such user.
pub fn find(name: &str) -> Result<User, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|e| format!("cannot read {path}: {e}"));
    parse(name, &read("/etc/passwd")?, &read("/etc/group").unwrap_or_default())
        .ok_or_else(|| format!("there is no user `{name}` in /etc/passwd"))
}

fn parse(name: &str, passwd: &str, group: &str) -> Option<User> {
    let fields = passwd.lines().map(|l| l.split(':').collect::<Vec<_>>());
    let (uid, gid) = fields.into_iter().find_map(|f| match f[..] {
        [n, _, uid, gid, ..] if n == name => Some((uid.parse().ok()?, gid.parse().ok()?)),
        _ => None,
    })?;
    let mut groups = vec![gid];
    for line in group.lines() {
        if let [_, _, id, members] = line.split(':').collect::<Vec<_>>()[..]
            && members.split(',').any(|member| member == name)
            && let Ok(id) = id.parse()
            && !groups.contains(&id)
        {
            groups.push(id);
        }
    }
    Some(User { uid, gid, groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_groups() {
        let passwd = "root:x:0:0::/:/bin/sh\nbad line\nann:x:7:70::/:/bin/sh\n";
        let group = "root:x:0:\na:x:1:bob,ann\nb:x:2:bob\nann:x:70:ann\n";
        let ann = User { uid: 7, gid: 70, groups: vec![70, 1] };
        assert_eq!(parse("ann", passwd, group), Some(ann));
        assert_eq!(parse("an", passwd, group), None);
        assert!(find("no such user").unwrap_err().contains("no such user"));
    }
}
