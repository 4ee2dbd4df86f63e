//! A running instance. It is used from one thread, and its imports may call into it again.

use crate::code::{Code, Result, Stop, failure};
use crate::job::{self, Entered};
use crate::module::Inner;
use napi::bindgen_prelude::{ObjectFinalize, Unknown};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime as w;
use wasmtime::AsContextMut;

/// The import that runs now, through which the store is reached while an outer call holds it; null when none runs.
type Current = Rc<Cell<*mut w::Caller<'static, State>>>;

/// What a store holds beside its instance.
pub struct State {
    limits: Limits,
    current: Current,
    /// Environment and imports of the call that this thread is in.
    pub scope: (sys::napi_env, sys::napi_value),
    /// What an import threw.
    pub thrown: sys::napi_ref,
    _entered: Entered,
}

impl State {
    /// Lets the import's own caller stand for the store; gives what stood there before.
    pub fn enter_import(&self, caller: *const w::Caller<'_, State>) -> *mut w::Caller<'static, State> {
        self.current.replace(caller.cast_mut().cast())
    }

    pub fn leave_import(&self, outer: *mut w::Caller<'static, State>) {
        self.current.set(outer);
    }
}

/// What a guest may have of the machine.
struct Limits {
    memory_bytes_max: usize,
}

impl w::ResourceLimiter for Limits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> w::Result<bool> {
        Ok(desired <= maximum.unwrap_or(usize::MAX).min(self.memory_bytes_max))
    }

    /// Beyond its limit a guest reads -1. A growth within it that this host could not give is the host's fault.
    fn memory_grow_failed(&mut self, error: w::Error) -> w::Result<()> {
        Err(error.context(Stop::HostMemory))
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> w::Result<bool> {
        Ok(true)
    }
}

/// A running instance. Its methods throw errors with one of our codes.
#[napi(custom_finalize)]
pub struct Guest {
    module: Arc<Inner>,
    current: Current,
    instance: w::Instance,
    memory: w::Memory,
    /// Gone once the guest has ended.
    store: RefCell<Option<w::Store<State>>>,
    /// The buffer through which JavaScript sees the memory; it is detached before the memory is anybody else's.
    view: Cell<sys::napi_ref>,
}

impl Guest {
    pub fn new(module: &Arc<Inner>, memory_bytes_max: usize, wall_ms: Option<f64>, job: Option<f64>) -> Result<Self> {
        let deadline = wall_ms.map(|ms| Instant::now() + Duration::from_secs_f64(ms.max(0.0) / 1e3));
        let entered = job::enter(job.map(|job| job as u64), deadline)?;
        let control = entered.control.clone();
        let current = Current::default();
        let state = State {
            limits: Limits { memory_bytes_max },
            current: current.clone(),
            scope: (ptr::null_mut(), ptr::null_mut()),
            thrown: ptr::null_mut(),
            _entered: entered,
        };
        let mut store = w::Store::new(module.pre.module().engine(), state);
        store.limiter(|state| &mut state.limits);
        // The epoch may have changed between the cancel and this line: the first look comes at once.
        store.set_epoch_deadline(0);
        store.epoch_deadline_callback(move |_| match (control.is_cancelled(), control.is_late()) {
            (true, _) => Err(Stop::Aborted.into()),
            (_, true) => Err(Stop::WallSpent.into()),
            _ => Ok(w::UpdateDeadline::Continue(1)),
        });
        let instance = module.pre.instantiate(&mut store).map_err(|error| {
            // What is no trap of a segment's is a memory that could not be had.
            let is_trap = error.is::<w::Trap>();
            if is_trap { failure(&error) } else { napi::Error::new(Code::HostMemory, format!("{error:#}")) }
        })?;
        let memory = instance
            .get_module_export(&mut store, &module.memory)
            .and_then(w::Extern::into_memory)
            .ok_or_else(|| napi::Error::new(Code::HostFault, "no memory"))?;
        let store = RefCell::new(Some(store));
        Ok(Self { module: module.clone(), current, instance, memory, store, view: Cell::new(ptr::null_mut()) })
    }

    /// Does something with the store, whether or not an outer call of this thread holds it.
    fn with<T>(&self, act: impl FnOnce(w::StoreContextMut<'_, State>) -> T) -> Result<T> {
        let caller = self.current.get();
        if !caller.is_null() {
            // SAFETY: the import that set it is on this thread's stack, below this call, and waits for it.
            return Ok(act(unsafe { (*caller).as_context_mut() }));
        }
        match self.store.borrow_mut().as_mut() {
            Some(store) => Ok(act(store.as_context_mut())),
            None => Err(napi::Error::new(Code::HostFault, "the guest has ended")),
        }
    }

    fn global(&self, name: &str) -> Result<w::Global> {
        self.with(|store| self.instance.get_global(store, name))?
            .ok_or_else(|| napi::Error::new(Code::HostFault, format!("no global \"{name}\" is exported")))
    }

    fn detach(&self, env: sys::napi_env) {
        let view = self.view.replace(ptr::null_mut());
        if view.is_null() {
            return;
        }
        let mut buffer = ptr::null_mut();
        // SAFETY: the reference was made by `memory`, in this environment.
        unsafe {
            sys::napi_get_reference_value(env, view, &mut buffer);
            if !buffer.is_null() {
                sys::napi_detach_arraybuffer(env, buffer);
            }
            sys::napi_delete_reference(env, view);
        }
    }
}

#[napi]
impl Guest {
    /// Calls the exported function of that index with as many of the numbers as it takes; 0 if it gives nothing. Imports are called
    /// from the array, by their index in the module.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn call(&self, env: Env, function: u32, a: i32, b: i32, c: i32, d: i32, imports: Unknown<'_>) -> Result<i32> {
        let Some(callable) = self.module.functions.get(function as usize) else {
            return Err(napi::Error::new(Code::HostFault, format!("no function {function}")));
        };
        let scope = (env.raw(), imports.raw());
        let (ended, thrown) = self.with(|mut store| {
            let outer = std::mem::replace(&mut store.data_mut().scope, scope);
            let export = self.instance.get_module_export(&mut store, &callable.place);
            let mut values = [a, b, c, d].map(w::ValRaw::i32);
            let room = &mut values[..callable.params.max(1)];
            let ended = match export.and_then(w::Extern::into_func) {
                // SAFETY: `Inner::new` has checked that parameters and result are i32, and how many there are.
                Some(func) => unsafe { func.call_unchecked(&mut store, room) },
                None => Err(w::Error::msg("no such function")),
            };
            let state = store.data_mut();
            state.scope = outer;
            (ended.map(|()| values[0].get_i32()), std::mem::replace(&mut state.thrown, ptr::null_mut()))
        })?;
        ended.map_err(|error| {
            if !thrown.is_null() {
                rethrow(env.raw(), thrown);
            }
            failure(&error)
        })
    }

    /// Bytes of memory now.
    #[napi(getter)]
    pub fn size(&self) -> Result<f64> {
        self.with(|store| self.memory.data_size(store) as f64)
    }

    /// The memory itself, not a copy. The buffer is emptied when a later one is asked for, and when the guest ends.
    #[napi]
    pub fn memory<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let raw = env.raw();
        self.detach(raw);
        let (pointer, length) = self.with(|store| (self.memory.data_ptr(&store), self.memory.data_size(&store)))?;
        let (mut buffer, mut view) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the memory neither moves nor goes before the buffer is detached.
        let status =
            unsafe { sys::napi_create_external_arraybuffer(raw, pointer.cast(), length, None, ptr::null_mut(), &mut buffer) };
        if status != sys::Status::napi_ok {
            return Err(napi::Error::new(Code::HostFault, format!("no buffer of {length} bytes (status {status})")));
        }
        // SAFETY: `buffer` was made above. The reference is weak: it keeps nothing alive.
        unsafe {
            sys::napi_create_reference(raw, buffer, 0, &mut view);
            self.view.set(view);
            Ok(Unknown::from_raw_unchecked(raw, buffer))
        }
    }

    /// An exported global of type i64, between calls.
    #[napi]
    pub fn get_global(&self, name: String) -> Result<i64> {
        let global = self.global(&name)?;
        self.with(|store| global.get(store).i64())?
            .ok_or_else(|| napi::Error::new(Code::HostFault, format!("global \"{name}\" is no i64")))
    }

    /// Sets an exported, mutable global of type i64.
    #[napi]
    pub fn set_global(&self, name: String, value: i64) -> Result<()> {
        let global = self.global(&name)?;
        self.with(|store| global.set(store, w::Val::I64(value)))?.map_err(|error| failure(&error))
    }

    /// Gives the memory back. Buffers of it are empty afterwards.
    #[napi]
    pub fn end(&self, env: Env) -> Result<()> {
        if !self.current.get().is_null() {
            return Err(napi::Error::new(Code::HostFault, "a guest cannot end from within its imports"));
        }
        self.detach(env.raw());
        self.store.borrow_mut().take();
        Ok(())
    }
}

impl ObjectFinalize for Guest {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.detach(env.raw());
        Ok(())
    }
}

/// Throws again what an import threw, as it was.
fn rethrow(env: sys::napi_env, thrown: sys::napi_ref) {
    let mut value = ptr::null_mut();
    // SAFETY: the reference was made by the import, in this environment.
    unsafe {
        sys::napi_get_reference_value(env, thrown, &mut value);
        sys::napi_delete_reference(env, thrown);
        sys::napi_throw(env, value);
    }
}
