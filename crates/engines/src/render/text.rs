//! Quoting, for those who write text of their own beside a syscall's.

/// Appends `bytes` in quotes, with C escapes.
pub fn quoted(bytes: &[u8], out: &mut String) {
    out.push('"');
    super::strings::escape(out, bytes);
    out.push('"');
}
