//! Compiled modules. They belong to the process: a thread adopts one by its number.

use crate::code::{Code, Result, failure};
use crate::engine::{self, Made, Settings};
use crate::guest::Guest;
use crate::import;
use crate::job::lock;
use crate::live::{Live, State, Terms};
use crate::runner;
use crate::whole::{START, Steps};
use napi::bindgen_prelude::{AsyncTask, Buffer, Uint8Array, Unknown};
use napi::{Env, Task};
use napi_derive::napi;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use wasmtime as w;

/// An exported function that can be called: i32 parameters, up to four, and at most one i32 result.
pub struct Callable {
    pub place: w::ModuleExport,
    pub params: usize,
}

/// Under this name a metered module exports what it has left; `runtime/meter/names.ts` has it, too.
const FUEL: &str = "lodger:fuel";

pub struct Inner {
    number: u32,
    pub pre: w::InstancePre<State>,
    pub memory: w::ModuleExport,
    /// The counter of a metered module.
    pub fuel: Option<w::ModuleExport>,
    pub functions: Vec<Callable>,
    /// What a whole call of it needs.
    pub steps: Option<Steps>,
    /// With which a program starts.
    pub start: Option<Callable>,
    /// Whether its code looks at the epoch.
    pub stoppable: bool,
    /// Whether its memories lie in slots that are never unmapped.
    pub pooled: bool,
    names: Vec<String>,
}

static MODULES: LazyLock<Mutex<HashMap<u32, Weak<Inner>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

impl Inner {
    fn new(module: w::Module, Settings { stoppable, .. }: Settings, pooled: bool) -> w::Result<Arc<Self>> {
        let mut linker = w::Linker::new(module.engine());
        for (index, wanted) in module.imports().enumerate() {
            import::define(&mut linker, index as u32, &wanted)?;
        }
        let (mut functions, mut names) = (Vec::new(), Vec::new());
        for export in module.exports() {
            let w::ExternType::Func(kind) = export.ty() else { continue };
            let place = module.get_export_index(export.name());
            let are_i32 = kind.params().chain(kind.results()).all(|value| value.is_i32());
            match place {
                Some(place) if are_i32 && kind.params().len() <= 4 && kind.results().len() <= 1 => {
                    functions.push(Callable { place, params: kind.params().len() });
                    names.push(export.name().to_owned());
                }
                _ => w::bail!("export \"{}\" has another signature than kernels have", export.name()),
            }
        }
        let Some(memory) = module.get_export_index("memory") else { w::bail!("no memory is exported") };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (fuel, steps) = (module.get_export_index(FUEL), Steps::find(&names, &functions));
        let start = module.get_export_index(START).filter(|_| names.iter().any(|name| name == START));
        let start = start.map(|place| Callable { place, params: 0 });
        let pre = linker.instantiate_pre(&module)?;
        let inner = Arc::new(Self { number, pre, memory, fuel, functions, steps, start, stoppable, pooled, names });
        lock(&MODULES).insert(number, Arc::downgrade(&inner));
        Ok(inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        lock(&MODULES).remove(&self.number);
    }
}

/// A compiled module.
#[napi]
pub struct Module(pub(crate) Arc<Inner>);

#[napi]
impl Module {
    /// Its number in this process.
    #[napi(getter)]
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// The names of its exported functions; `Guest.call` takes their index.
    #[napi(getter)]
    pub fn functions(&self) -> Vec<String> {
        self.0.names.clone()
    }

    /// The compiled code. It is trusted wholly when it is read again.
    #[napi]
    pub fn serialize(&self) -> Result<Buffer> {
        self.0.pre.module().serialize().map(Buffer::from).map_err(|error| malformed(&error))
    }

    /// A fresh instance with at most `memory_bytes_max` bytes of memory. `wall_ms`: it is stopped that much later. `job`: the number
    /// by which it can be cancelled.
    #[napi]
    pub fn instantiate(&self, memory_bytes_max: f64, wall_ms: Option<f64>, job: Option<f64>) -> Result<Guest> {
        Ok(Guest(Rc::new(Live::new(&self.0, &Terms { memory_bytes_max, wall_ms, job })?)))
    }

    /// What runs whole calls of it in this thread.
    #[napi]
    pub fn runner<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let runner = runner::create(env.raw(), &self.0)?;
        // SAFETY: the value was made in this environment, and lives as long as the scope of this call.
        Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), runner) })
    }
}

/// The module of that number, if some thread still holds it.
#[napi]
pub fn adopt(number: u32) -> Option<Module> {
    lock(&MODULES).get(&number).and_then(Weak::upgrade).map(Module)
}

/// Compiles away from the calling thread.
#[napi]
pub fn compile(bytes: Uint8Array, settings: Settings) -> AsyncTask<Compile> {
    AsyncTask::new(Compile { bytes: bytes.to_vec(), settings })
}

pub struct Compile {
    bytes: Vec<u8>,
    settings: Settings,
}

impl Task for Compile {
    type Output = Arc<Inner>;
    type JsValue = Module;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let Made { engine, pooled } =
            engine::made(self.settings).map_err(|error| napi::Error::from_reason(error.reason.clone()))?;
        // A fault of the compiler must not take the process down.
        let inner = catch_unwind(AssertUnwindSafe(|| {
            w::Module::new(engine, &self.bytes).and_then(|module| Inner::new(module, self.settings, *pooled))
        }))
        .unwrap_or_else(|_| Err(w::Error::msg("the compiler failed")));
        inner.map_err(|error| napi::Error::from_reason(format!("{error:#}")))
    }

    fn resolve(&mut self, _: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(Module(output))
    }
}

/// A module from what `serialize` gave on this machine.
///
/// The bytes are trusted wholly: whoever calls this has checked that this user's own process wrote them.
#[napi]
pub fn deserialize(bytes: Uint8Array, settings: Settings) -> Result<Module> {
    let Made { engine, pooled } = engine::made(settings)?;
    // SAFETY: the caller has authenticated the bytes as this user's own.
    let module = unsafe { w::Module::deserialize(engine, &bytes[..]) };
    module.and_then(|module| Inner::new(module, settings, *pooled)).map(Module).map_err(|error| malformed(&error))
}

fn malformed(error: &w::Error) -> napi::Error<Code> {
    napi::Error::new(Code::Malformed, failure(error).reason.clone())
}
