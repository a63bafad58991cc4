#![no_std]
//! utrace: tasks, engines and reports, with no operating system
