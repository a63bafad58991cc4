//! The tables against `libc`'s numbers and against themselves.

use super::*;

#[test]
fn numbers_agree_with_libc() {
    for (name, nr) in [
        ("read", libc::SYS_read),
        ("exit_group", libc::SYS_exit_group),
        ("openat", libc::SYS_openat),
        ("clone3", libc::SYS_clone3),
        ("futex_waitv", libc::SYS_futex_waitv),
        ("mseal", libc::SYS_mseal),
        ("statmount", 457),
        ("file_setattr", 469),
    ] {
        assert_eq!(by_name(Abi::X86_64, name).map(|info| i64::from(info.nr)), Some(nr), "{name}");
    }
}

#[test]
fn lookup_finds_every_row_and_nothing_else() {
    for abi in [Abi::X86_64, Abi::I386] {
        for info in all(abi) {
            let found = lookup(abi, u64::from(info.nr));
            assert_eq!(found.map(|found| found.name), Some(info.name));
            assert_eq!(by_name(abi, info.name).map(|found| found.nr), Some(info.nr));
            assert!(info.arg_count() <= 6);
        }
        let count = (0..2 * LIMIT as u64).filter(|nr| lookup(abi, *nr).is_some()).count();
        assert_eq!(count, all(abi).len());
        assert!(lookup(abi, u64::MAX).is_none());
    }
    assert_eq!(all(Abi::X86_64).len(), 383);
}

#[test]
fn rows_rise() {
    for abi in [Abi::X86_64, Abi::I386] {
        assert!(all(abi).is_sorted_by_key(|info| info.nr));
    }
}

#[test]
fn classes_are_straces() {
    let member = |class: &str, name: &str| {
        let class = Classes::parse(class).unwrap();
        by_name(Abi::X86_64, name).unwrap().classes.intersects(class)
    };
    assert!(member("%file", "openat") && member("file", "execve") && !member("%file", "read"));
    assert!(member("%desc", "mmap") && member("%memory", "mmap"));
    assert!(member("%%stat", "statx") && !member("%stat", "fstat"));
    assert!(!member("network", "read") && member("%net", "socket"));
    assert_eq!(Classes::parse("%pure"), Some(Classes::PURE));
    assert_eq!(Classes::parse("pure"), None);
    assert_eq!(Classes::parse("%nonsense"), None);
}
