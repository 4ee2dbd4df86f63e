//! An instance and its store. It is used from one thread, and its imports may call into it again.

use crate::code::{Code, Result, Stop, failure};
use crate::job::{self, Entered};
use crate::module::{Callable, Inner};
use crate::runner::Report;
use crate::told::Told;
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use wasmtime as w;
use wasmtime::AsContextMut;

/// The import that runs now, through which the store is reached while an outer call holds it; null when none runs.
type Current = Rc<Cell<*mut w::Caller<'static, State>>>;

/// Frames that a trace has at most.
const FRAMES_MAX: usize = 16;

/// Environment of a call, and the function that calls its imports by their index.
pub type Scope = (sys::napi_env, sys::napi_value);

/// What a store holds beside its instance.
pub struct State {
    limits: Limits,
    current: Current,
    /// Of the call that this thread is in.
    pub scope: Scope,
    /// What an import threw.
    pub thrown: sys::napi_ref,
    /// Of a program that runs to its end at once.
    pub told: Option<Told>,
    _entered: Option<Entered>,
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

/// What an instance is given when it is made.
pub struct Terms {
    pub memory_bytes_max: f64,
    /// It is stopped that much later.
    pub wall_ms: Option<f64>,
    /// The number by which it can be cancelled.
    pub job: Option<f64>,
}

/// A running instance.
pub struct Live {
    pub module: Arc<Inner>,
    current: Current,
    instance: w::Instance,
    memory: w::Memory,
    /// Gone once the guest has ended.
    store: RefCell<Option<w::Store<State>>>,
    /// The buffer through which JavaScript sees the memory; it is detached before the memory is anybody else's.
    view: Cell<sys::napi_ref>,
    /// Where the guest was when it failed: function index and offset in the module of each frame, the innermost first.
    trace: RefCell<Vec<f64>>,
}

impl Live {
    pub fn new(module: &Arc<Inner>, terms: &Terms) -> Result<Self> {
        let entered = if module.stoppable { job::enter(terms.job, terms.wall_ms)? } else { None };
        let control = entered.as_ref().map(|entered| entered.control.clone());
        let current = Current::default();
        let state = State {
            limits: Limits { memory_bytes_max: terms.memory_bytes_max as usize },
            current: current.clone(),
            scope: (ptr::null_mut(), ptr::null_mut()),
            thrown: ptr::null_mut(),
            told: None,
            _entered: entered,
        };
        let mut store = w::Store::new(module.pre.module().engine(), state);
        store.limiter(|state| &mut state.limits);
        if let Some(control) = control {
            store.set_epoch_deadline(1);
            // What came before this line has changed the epoch already: then the guest looks once more at its first step.
            if control.look_first().is_err() {
                store.set_epoch_deadline(0);
            }
            store.epoch_deadline_callback(move |_| {
                control.look().map(|()| w::UpdateDeadline::Continue(1)).map_err(w::Error::from)
            });
        } else if module.stoppable {
            store.set_epoch_deadline(u64::MAX / 2);
        }
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
        let (view, trace) = (Cell::new(ptr::null_mut()), RefCell::default());
        Ok(Self { module: module.clone(), current, instance, memory, store, view, trace })
    }

    /// Does something with the store, whether or not an outer call of this thread holds it.
    pub fn with<T>(&self, act: impl FnOnce(w::StoreContextMut<'_, State>) -> T) -> Result<T> {
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

    /// Does something in which the guest runs, with its imports. What an import threw is thrown again, as it was.
    pub fn enter<T>(&self, scope: Scope, act: impl FnOnce(&mut w::StoreContextMut<'_, State>) -> w::Result<T>) -> Result<T> {
        let (ended, thrown) = self.with(|mut store| {
            let outer = std::mem::replace(&mut store.data_mut().scope, scope);
            let ended = act(&mut store);
            let state = store.data_mut();
            state.scope = outer;
            (ended, std::mem::replace(&mut state.thrown, ptr::null_mut()))
        })?;
        ended.map_err(|error| {
            self.note(&error);
            if !thrown.is_null() {
                rethrow(scope.0, thrown);
            }
            failure(&error)
        })
    }

    /// Keeps where the guest was. What failed in a call from within an import has all frames already; the outer call adds nothing.
    fn note(&self, error: &w::Error) {
        let mut trace = self.trace.borrow_mut();
        let Some(backtrace) = error.downcast_ref::<w::WasmBacktrace>().filter(|_| trace.is_empty()) else { return };
        for frame in backtrace.frames().iter().take(FRAMES_MAX) {
            let Some(offset) = frame.module_offset() else { continue };
            trace.extend([f64::from(frame.func_index()), offset as f64]);
        }
    }

    /// What `note` has kept.
    pub fn trace(&self) -> Vec<f64> {
        self.trace.borrow().clone()
    }

    /// Calls an export with as many of the numbers as it takes; within `enter`.
    pub fn call(
        &self,
        store: &mut w::StoreContextMut<'_, State>,
        callable: &Callable,
        mut values: [w::ValRaw; 4],
    ) -> w::Result<i32> {
        let room = &mut values[..callable.params.max(1)];
        match self.instance.get_module_export(&mut *store, &callable.place).and_then(w::Extern::into_func) {
            // SAFETY: `Inner::new` has checked that parameters and result are i32, and how many there are.
            Some(func) => unsafe { func.call_unchecked(store, room) }?,
            None => w::bail!("no such function"),
        }
        Ok(values[0].get_i32())
    }

    /// The memory as it is now.
    pub fn bytes<'store>(&self, store: &'store mut w::StoreContextMut<'_, State>) -> &'store mut [u8] {
        self.memory.data_mut(store)
    }

    /// Bytes of memory now.
    pub fn size(&self) -> Result<usize> {
        self.with(|store| self.memory.data_size(store))
    }

    /// The memory itself as a buffer, which is emptied when a later one is asked for, and when the guest ends.
    pub fn view(&self, env: sys::napi_env) -> Result<sys::napi_value> {
        self.detach(env);
        let (buffer, mut view) = (self.buffer(env)?, ptr::null_mut());
        // SAFETY: `buffer` was made above. The reference is weak: it keeps nothing alive.
        unsafe { sys::napi_create_reference(env, buffer, 0, &mut view) };
        self.view.set(view);
        Ok(buffer)
    }

    /// The same as a buffer that stays when the guest ends, where the memory lies in a slot: slots are never unmapped, and whoever looks
    /// at a later guest there, of the same size, has a buffer already. To make one and to empty it takes as long as the rest of a start.
    pub fn slot(&self, env: sys::napi_env) -> Result<sys::napi_value> {
        if self.module.pooled { self.buffer(env) } else { self.view(env) }
    }

    fn buffer(&self, env: sys::napi_env) -> Result<sys::napi_value> {
        let (pointer, length) = self.with(|store| (self.memory.data_ptr(&store), self.memory.data_size(&store)))?;
        let mut buffer = ptr::null_mut();
        // SAFETY: the memory does not move; it goes when the buffer has been detached, or never.
        let status =
            unsafe { sys::napi_create_external_arraybuffer(env, pointer.cast(), length, None, ptr::null_mut(), &mut buffer) };
        if status != sys::Status::napi_ok {
            return Err(napi::Error::new(Code::HostFault, format!("no buffer of {length} bytes (status {status})")));
        }
        Ok(buffer)
    }

    /// The exported global at that place.
    pub fn global(&self, place: Option<&w::ModuleExport>) -> Result<w::Global> {
        self.with(|store| place.and_then(|place| self.instance.get_module_export(store, place)?.into_global()))?
            .ok_or_else(|| napi::Error::new(Code::HostFault, "no such global is exported"))
    }

    /// The counter of a metered module; within `enter`.
    pub fn fuel(&self, store: &mut w::StoreContextMut<'_, State>) -> Option<w::Global> {
        let place = self.module.fuel.as_ref()?;
        self.instance.get_module_export(store, place)?.into_global()
    }

    /// What imports of a program are told through the report.
    pub fn told(&self, report: Report, fuel: Option<w::Global>) -> Told {
        Told { report, fuel, memory: self.memory }
    }

    /// What a metered module has left of its fuel.
    pub fn get_fuel(&self) -> Result<i64> {
        self.get_i64(self.global(self.module.fuel.as_ref())?)
    }

    pub fn get_i64(&self, global: w::Global) -> Result<i64> {
        self.with(|store| global.get(store).i64())?.ok_or_else(|| napi::Error::new(Code::HostFault, "the global is no i64"))
    }

    pub fn set_i64(&self, global: w::Global, value: i64) -> Result<()> {
        self.with(|store| global.set(store, w::Val::I64(value)))?.map_err(|error| failure(&error))
    }

    /// Empties the buffer that JavaScript has of the memory.
    pub fn detach(&self, env: sys::napi_env) {
        let view = self.view.replace(ptr::null_mut());
        if view.is_null() {
            return;
        }
        let mut buffer = ptr::null_mut();
        // SAFETY: the reference was made by `view`, in this environment.
        unsafe {
            sys::napi_get_reference_value(env, view, &mut buffer);
            if !buffer.is_null() {
                sys::napi_detach_arraybuffer(env, buffer);
            }
            sys::napi_delete_reference(env, view);
        }
    }

    /// Gives the memory back. Buffers of it are empty afterwards.
    pub fn end(&self, env: sys::napi_env) -> Result<()> {
        if !self.current.get().is_null() {
            return Err(napi::Error::new(Code::HostFault, "a guest cannot end from within its imports"));
        }
        self.detach(env);
        self.store.borrow_mut().take();
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
