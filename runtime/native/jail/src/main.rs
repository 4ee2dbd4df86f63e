//! Puts the walls of a cell around this process, one after the other, and becomes Node inside them. A wall that cannot be put up ends
//! it: whoever started it decides whether to go without that wall, and says so.

#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod execute;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod order;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod root;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("lodger-jail: there is a jail on Linux only");
    std::process::ExitCode::from(2)
}
