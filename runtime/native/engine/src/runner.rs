//! Runs whole calls of one module for one thread. It is called once or twice for every small task, so its functions take their data
//! without the conversions of classes, and numbers pass through an array that both sides see.

use crate::code::{Code, Result};
use crate::copy;
use crate::guest::Guest;
use crate::live::{Live, Terms};
use crate::module::Inner;
use crate::whole::{self, Step};
use napi::bindgen_prelude::ToNapiValue;
use napi::{JsError, sys};
use std::cell::RefCell;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// Numbers that go in and come out, in the order that `host/platform/native.ts` has them in; `NaN` where there is none.
#[repr(usize)]
enum Word {
    MemoryBytesMax,
    WallMs,
    Job,
    InputBytes,
    OutputBytesMax,
    Step,
    Gave,
    Size,
    Fuel,
    OutputBytes,
    Memory,
}

const WORDS: usize = Word::Memory as usize + 1;

/// The array of numbers, and room for a small output behind them. It belongs to JavaScript, and is held for as long as the runner lives.
#[derive(Clone, Copy)]
pub struct Report(*mut f64);

impl Report {
    fn get(&self, word: Word) -> f64 {
        // SAFETY: there are `WORDS` numbers, which only this thread reads and writes.
        unsafe { self.0.add(word as usize).read() }
    }

    fn set(&self, word: Word, value: f64) {
        // SAFETY: as above.
        unsafe { self.0.add(word as usize).write(value) }
    }

    fn some(&self, word: Word) -> Option<f64> {
        Some(self.get(word)).filter(|value| !value.is_nan())
    }

    pub fn input_bytes(&self) -> usize {
        self.get(Word::InputBytes) as usize
    }

    pub fn output_bytes_max(&self) -> usize {
        self.get(Word::OutputBytesMax) as usize
    }

    pub fn at(&self, step: Step) {
        self.set(Word::Step, f64::from(step as u8));
    }

    fn is_done(&self) -> bool {
        self.get(Word::Step) == f64::from(Step::Done as u8)
    }

    /// What the guest has at the start.
    pub fn fuel(&self) -> i64 {
        self.get(Word::Fuel) as i64
    }

    /// What it had left when a function of its own returned, or an import of a program was called.
    pub fn left(&self, fuel: i64) {
        self.set(Word::Fuel, fuel as f64);
    }

    /// Bytes of memory.
    pub fn size(&self, bytes: usize) {
        self.set(Word::Size, bytes as f64);
    }

    /// Where a program's memory lies.
    pub fn lies(&self, memory: *const u8) {
        self.set(Word::Memory, memory as usize as f64);
    }

    /// Length of the output.
    pub fn gives(&self, bytes: usize) {
        self.set(Word::OutputBytes, bytes as f64);
    }

    /// Where an output lies that is shorter than `SMALL_BYTES`.
    pub fn output(&self) -> *mut u8 {
        // SAFETY: `create` has made the buffer that long.
        unsafe { self.0.add(WORDS).cast() }
    }

    /// What the step that it came to gave.
    pub fn gave(&self, pointer: u32) {
        self.set(Word::Gave, f64::from(pointer));
    }
}

/// What the functions of a runner share.
struct Runner {
    module: Arc<Inner>,
    report: Report,
    /// Keeps the report's buffer.
    buffer: sys::napi_ref,
    /// The guest of the last whole call, until it is ended.
    live: RefCell<Option<Rc<Live>>>,
}

impl Runner {
    /// `run(input, dispatch, room)`: a whole call in a fresh instance. It stays until `end` if there is something to look at: what came to
    /// its end has ended.
    fn run(&self, env: sys::napi_env, [input, dispatch, room]: Arguments) -> Result<sys::napi_value> {
        let report = &self.report;
        report.at(Step::Declined);
        let steps = self.module.steps.as_ref().filter(|_| self.live.borrow().is_none());
        let Some(steps) = steps.filter(|_| report.input_bytes() <= whole::INPUT_BYTES_MAX) else { return Ok(ptr::null_mut()) };
        let live = self.begin()?;
        let called = whole::call(&live, steps, (env, dispatch), [input, room], report);
        let ended = called.and_then(|output| if report.is_done() { self.finish(env).map(|()| output) } else { Ok(output) });
        copy::settle();
        ended
    }

    /// `start(dispatch)`: a program from its start to its end, in a fresh instance, which stays until `end`.
    fn start(&self, env: sys::napi_env, [dispatch, ..]: Arguments) -> Result<sys::napi_value> {
        self.report.at(Step::Declined);
        let start = self.module.start.as_ref().filter(|_| self.live.borrow().is_none());
        if let Some(start) = start {
            let live = self.begin()?;
            whole::start(&live, start, (env, dispatch), self.report)?;
        }
        Ok(ptr::null_mut())
    }

    /// A fresh instance, as the report wants it.
    fn begin(&self) -> Result<Rc<Live>> {
        let report = &self.report;
        report.at(Step::Instantiate);
        let terms = Terms {
            memory_bytes_max: report.get(Word::MemoryBytesMax),
            wall_ms: report.some(Word::WallMs),
            job: report.some(Word::Job),
        };
        let live = Rc::new(Live::new(&self.module, &terms)?);
        self.live.replace(Some(live.clone()));
        Ok(live)
    }

    /// `memory()`: the memory of that guest. The buffer stays, if the memory lies in a slot of the pool.
    fn memory(&self, env: sys::napi_env, _: Arguments) -> Result<sys::napi_value> {
        self.held()?.slot(env)
    }

    fn held(&self) -> Result<Rc<Live>> {
        self.live.borrow().clone().ok_or_else(|| napi::Error::new(Code::HostFault, "no guest is there"))
    }

    /// `guest()`: the guest of the call that runs or has ended last, to be driven step by step.
    fn guest(&self, env: sys::napi_env, _: Arguments) -> Result<sys::napi_value> {
        let live = self.held()?;
        // SAFETY: `env` is that of the call which this thread is in.
        unsafe { Guest::to_napi_value(env, Guest(live)) }.map_err(|error| napi::Error::new(Code::HostFault, error.reason.clone()))
    }

    /// `end()`: gives the memory back; its size is in the report.
    fn end(&self, env: sys::napi_env, _: Arguments) -> Result<sys::napi_value> {
        self.finish(env).map(|()| ptr::null_mut())
    }

    fn finish(&self, env: sys::napi_env) -> Result<()> {
        let live = self.live.borrow().clone();
        self.report.set(Word::Size, 0.0);
        if let Some(live) = live {
            self.report.set(Word::Size, live.size()? as f64);
            live.end(env)?;
            self.live.replace(None);
        }
        Ok(())
    }
}

/// An object with the functions of a runner and its `report`, a buffer of 64-bit floats and of the bytes of a small output.
pub fn create(env: sys::napi_env, module: &Arc<Inner>) -> Result<sys::napi_value> {
    let (mut object, mut buffer, mut data, mut held) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the calls write to variables of ours; the reference keeps the buffer, whose numbers are zero and do not move.
    unsafe {
        ok(sys::napi_create_object(env, &mut object))?;
        ok(sys::napi_create_arraybuffer(env, WORDS * size_of::<f64>() + whole::SMALL_BYTES, &mut data, &mut buffer))?;
        ok(sys::napi_create_reference(env, buffer, 1, &mut held))?;
        ok(sys::napi_set_named_property(env, object, c"report".as_ptr(), buffer))?;
    }
    let report = Report(data.cast());
    let runner = Rc::new(Runner { module: module.clone(), report, buffer: held, live: RefCell::new(None) });
    for (name, function) in [(c"run", run as Function), (c"start", start), (c"memory", memory), (c"guest", guest), (c"end", end)]
    {
        add(env, object, name, function, &runner)?;
    }
    Ok(object)
}

/// Of a function of a runner: `undefined` where it is given fewer.
type Arguments = [sys::napi_value; 3];

type Function = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Adds a function that holds the runner.
fn add(env: sys::napi_env, object: sys::napi_value, name: &CStr, function: Function, runner: &Rc<Runner>) -> Result<()> {
    let held = Rc::into_raw(runner.clone()).cast_mut().cast::<c_void>();
    let mut made = ptr::null_mut();
    // SAFETY: `held` is given up by `finalize`, after which nothing can call the function.
    unsafe {
        let length = name.to_bytes().len() as isize;
        ok(sys::napi_create_function(env, name.as_ptr(), length, Some(function), held, &mut made))?;
        ok(sys::napi_add_finalizer(env, made, held, Some(finalize), ptr::null_mut(), ptr::null_mut()))?;
        ok(sys::napi_set_named_property(env, object, name.as_ptr(), made))
    }
}

unsafe extern "C" fn finalize(env: sys::napi_env, held: *mut c_void, _: *mut c_void) {
    // SAFETY: `add` has made it, and each function is finalized once, on its own thread.
    let Some(runner) = Rc::into_inner(unsafe { Rc::from_raw(held.cast::<Runner>()) }) else { return };
    if let Some(live) = runner.live.take() {
        // One that is still in an import cannot be finalized: its function is on the stack.
        let _ = live.end(env);
    }
    // SAFETY: the reference was made by `create`, in this environment.
    unsafe { sys::napi_delete_reference(env, runner.buffer) };
}

unsafe extern "C" fn run(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: called by the environment, for a function that `add` has made; so below.
    unsafe { pass(env, info, Runner::run) }
}

unsafe extern "C" fn start(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    unsafe { pass(env, info, Runner::start) }
}

unsafe extern "C" fn memory(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    unsafe { pass(env, info, Runner::memory) }
}

unsafe extern "C" fn guest(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    unsafe { pass(env, info, Runner::guest) }
}

unsafe extern "C" fn end(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    unsafe { pass(env, info, Runner::end) }
}

type Act = fn(&Runner, sys::napi_env, Arguments) -> Result<sys::napi_value>;

/// Reads the arguments and throws what goes wrong. A null is `undefined`.
unsafe fn pass(env: sys::napi_env, info: sys::napi_callback_info, act: Act) -> sys::napi_value {
    let (mut arguments, mut count, mut data) = ([ptr::null_mut(); 3], 3, ptr::null_mut());
    // SAFETY: the call writes to variables of ours. The data is the runner that the function holds.
    let runner = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data);
        &*data.cast::<Runner>()
    };
    let ended = catch_unwind(AssertUnwindSafe(|| act(runner, env, arguments)))
        .unwrap_or_else(|_| Err(napi::Error::new(Code::HostFault, "the addon failed")));
    ended.unwrap_or_else(|error| {
        // SAFETY: `env` is that of the call which this thread is in.
        unsafe { JsError::from(error).throw_into(env) };
        ptr::null_mut()
    })
}

fn ok(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(napi::Error::new(Code::HostFault, format!("status {status}"))) }
}
