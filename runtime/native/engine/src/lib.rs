//! Lodger's door to Wasmtime: compile, run, stop. It knows nothing of kernels, grants or the canonical ABI: those are checked in one
//! place, in TypeScript, for every engine.

mod code;
mod cpu;
mod engine;
mod guest;
mod import;
mod job;
mod lock;
mod module;

use napi_derive::napi;

/// The version of Wasmtime, as receipts name it.
#[napi]
pub fn version() -> &'static str {
    engine::WASMTIME
}
