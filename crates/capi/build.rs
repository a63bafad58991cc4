//! Gives libutrace.so the name that programs look for: its major version changes when a header's promise does.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libutrace.so.0");
    println!("cargo::rerun-if-changed=build.rs");
}
