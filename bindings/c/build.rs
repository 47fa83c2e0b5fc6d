//! What the linker of the shared library has to know.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    // Programs ask for the library by this name: a change that breaks them needs another one.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblevada.so.{major}");
    // Its threads and the destructors of its thread-locals would run into unmapped code after `dlclose`.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
