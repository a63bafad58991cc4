//! Gives libutrace.so the name that programs look for: its major version changes when a header's promise does.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libutrace.so.0");
    // Threads of a host that ended may still be on their way out when a program unloads us.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
