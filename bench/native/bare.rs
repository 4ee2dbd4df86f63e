//! Wasmtime by hand, without Lodger: what our sandbox on Wasmtime is compared with. For each round a
//! line with the nanoseconds of a call: wall time and CPU time.
//!
//! `bare MODULE.wasm ROUNDS CALLS INPUT_BYTES`: an echo kernel, called in fresh, pooled instances. Epochs are on, as in the sandbox.

use std::time::Instant;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, Linker, Module, PoolingAllocationConfig, Store,
};

fn main() -> wasmtime::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, rounds, calls, bytes] = arguments.as_slice() else {
        wasmtime::bail!("bare MODULE.wasm ROUNDS CALLS INPUT_BYTES")
    };
    let (rounds, calls, bytes): (usize, usize, usize) =
        (rounds.parse()?, calls.parse()?, bytes.parse()?);
    let mut pool = PoolingAllocationConfig::default();
    pool.linear_memory_keep_resident(1 << 20);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_may_move(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, path)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("lodger:kernel/exit@0.1.0", "fail", |_: i32, _: i32| ())?;
    let pre = linker.instantiate_pre(&module)?;
    let input = vec![3u8; bytes];
    // Two rounds come first and are not counted.
    for round in 0..rounds + 2 {
        let (begun, cpu) = (Instant::now(), cpu_ns());
        for _ in 0..calls {
            let mut store = Store::new(&engine, ());
            store.set_epoch_deadline(1);
            let instance = pre.instantiate(&mut store)?;
            instance
                .get_typed_func::<(), ()>(&mut store, "_initialize")?
                .call(&mut store, ())?;
            let realloc =
                instance.get_typed_func::<(i32, i32, i32, i32), i32>(&mut store, "cabi_realloc")?;
            let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run")?;
            let at = realloc.call(&mut store, (0, 0, 1, bytes as i32))?;
            let memory = instance
                .get_memory(&mut store, "memory")
                .ok_or_else(|| wasmtime::Error::msg("no memory"))?;
            memory.write(&mut store, at as usize, &input)?;
            let area = run.call(&mut store, (at, bytes as i32))? as usize;
            let word = |offset: usize| {
                let bytes = &memory.data(&store)[area + offset..area + offset + 4];
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
            };
            let output = memory.data(&store)[word(4)..word(4) + word(8)].to_vec();
            instance
                .get_typed_func::<i32, ()>(&mut store, "cabi_post_run")?
                .call(&mut store, area as i32)?;
            // A look at all of it would be work that the other side does not do.
            if output.len() != bytes {
                wasmtime::bail!("no echo");
            }
        }
        if round >= 2 {
            let (wall, cpu) = (begun.elapsed().as_nanos() as f64, cpu_ns() - cpu);
            println!("{} {}", wall / calls as f64, cpu / calls as f64);
        }
    }
    Ok(())
}

/// CPU time of this process.
fn cpu_ns() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes to a timespec that is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
