//! Lodger's door to Wasmtime: compile, run, stop. It knows nothing of grants, and of the canonical ABI only what a
//! call that keeps to it looks like: what does not is looked at in one place, in TypeScript, for every engine.

mod alarm;
mod code;
mod copy;
mod cpu;
mod engine;
mod guest;
mod import;
mod job;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod live;
mod lock;
mod module;
mod pages;
mod runner;
mod told;
mod whole;
mod written;

use napi_derive::napi;

/// The version of Wasmtime, as receipts name it.
#[napi]
pub fn version() -> &'static str {
    engine::WASMTIME
}
