//! Links the addon so that it stays loaded for as long as the process lives.

fn main() {
    napi_build::setup();
    // Node closes the libraries of an environment when it ends, while the ticker and threads of other environments still run in them.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
