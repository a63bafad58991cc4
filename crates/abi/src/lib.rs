#![no_std]
//! utrace: the Linux user-space ABI as data: syscalls, signals, errno, ptrace layouts, register sets
