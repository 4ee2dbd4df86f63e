//! The process's engines: one for each setting, made when first asked for.

use crate::code::{Code, Result};
use napi_derive::napi;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, RegallocAlgorithm, WasmBacktraceDetails};

/// The version that Cargo.toml asks for; a test compares them.
pub const WASMTIME: &str = "48.0.8";

/// Guests that live at a time in one process: more than the 256 threads of the largest pool.
const SLOTS: u32 = 512;

/// A guest's stack. Threads of Node have 4 MiB, its main thread has 8 MiB on most systems, of which JavaScript takes 1. The meter bounds
/// frames by their weight, 64 Ki of about 8 bytes; what the compiler adds to them must never be what ends a recursion.
const STACK_BYTES: usize = 2 << 20;

/// Up to here a slot's memory is zeroed by hand and stays mapped: page faults cost more.
const KEPT_BYTES: usize = 1 << 20;

/// The largest block that glibc lets raise its thresholds.
const BLOCK_BYTES: usize = (32 << 20) - (64 << 10);

/// An engine and how it came about.
pub struct Made {
    pub engine: Engine,
    pub pooled: bool,
}

/// What an engine is made for.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct Settings {
    /// Its guests look at the epoch at every loop and call, so that they can be cancelled and have deadlines.
    pub stoppable: bool,
    /// It compiles in time that grows with the code alone; the better register allocator takes minutes for some functions of 16 KB.
    pub linear: bool,
}

static ENGINES: [OnceLock<Made>; 4] = [const { OnceLock::new() }; 4];

/// The process's engine of those settings.
pub fn made(settings: Settings) -> Result<&'static Made> {
    let cell = &ENGINES[usize::from(settings.stoppable) * 2 + usize::from(settings.linear)];
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    keep_freed_memory();
    let pooled = Engine::new(&config(settings, true)).map(|engine| Made { engine, pooled: true });
    // Address space can be limited: then every instance maps its memory anew, which takes longer.
    let made = pooled
        .or_else(|_| Engine::new(&config(settings, false)).map(|engine| Made { engine, pooled: false }))
        .map_err(|error| napi::Error::new(Code::HostMemory, format!("{error:#}")))?;
    Ok(cell.get_or_init(|| made))
}

/// Outputs are given back many at a time, when JavaScript's garbage is collected. At first glibc returns more than 128 KiB of that to the
/// system at once, and the next outputs fault each page in again, which takes longer than their calls. It keeps up to twice the largest
/// block that was ever freed: after this one, of which no page is touched, as much as outputs wait for a collection.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK_BYTES)));
}

/// Makes all guests that can be stopped look at their controls.
pub fn tick() {
    for made in ENGINES.iter().filter_map(OnceLock::get) {
        made.engine.increment_epoch();
    }
}

/// What admission lets through; the same on every machine. References to functions stay: newer compilers write indirect calls in their
/// form. Admission refuses what else they would allow, and references to anything else need parts of Wasmtime that are not in here.
fn config(Settings { stoppable, linear }: Settings, pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(stoppable)
        .cranelift_regalloc_algorithm(if linear { RegallocAlgorithm::SinglePass } else { RegallocAlgorithm::Backtracking })
        .max_wasm_stack(STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        // The host's views of a memory stay valid while it grows.
        .memory_may_move(false);
    if pooled {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_core_instances(SLOTS)
            .total_memories(SLOTS)
            .total_tables(SLOTS)
            .max_memories_per_module(1)
            .max_tables_per_module(1)
            // The highest ceilings that a caller can give to admission.
            .table_elements(1_000_000)
            .max_core_instance_size(64 << 20)
            .linear_memory_keep_resident(KEPT_BYTES)
            .table_keep_resident(64 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// What compiled code depends on, as hex: version, settings, processor.
#[napi]
pub fn compatibility(settings: Settings) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    made(settings)?.engine.precompile_compatibility_hash().hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// Whether instances come from a pool that was reserved at start.
#[napi]
pub fn is_pooled(settings: Settings) -> Result<bool> {
    Ok(made(settings)?.pooled)
}
