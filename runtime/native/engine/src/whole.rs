//! The whole call of a kernel of one function without a way back to JavaScript between its steps. It decides nothing: where a pointer,
//! a tag or a length does not fit, it stops there and leaves the instance as it is, and the caller looks at it and says what is wrong.

use crate::code::Result;
use crate::copy;
use crate::live::{Live, Scope, State};
use crate::module::{Callable, Inner};
use crate::runner::Report;
use napi::sys;
use std::ptr;
use wasmtime as w;

/// Longer inputs are lowered step by step. Longer outputs are lifted by JavaScript: a buffer that cannot be had is an error there, and
/// the end of the process here.
pub const INPUT_BYTES_MAX: usize = 64 << 20;
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// Shorter outputs are left in the report's buffer, from where JavaScript copies them for less than a call that makes a buffer costs.
pub const SMALL_BYTES: usize = 4 << 10;

/// The function with which a program starts.
pub const START: &str = "_start";

/// The exports that a whole call needs, by their index.
pub struct Steps {
    initialize: Option<usize>,
    realloc: usize,
    run: usize,
    post: Option<usize>,
}

impl Steps {
    /// `None` for a module of another shape.
    pub fn find(names: &[String], functions: &[Callable]) -> Option<Self> {
        let find = |wanted: &str, params: usize| {
            names.iter().position(|name| name == wanted).filter(|&at| functions[at].params == params)
        };
        Some(Self {
            initialize: find("_initialize", 0),
            realloc: find("cabi_realloc", 4)?,
            run: find("run", 2)?,
            post: find("cabi_post_run", 1),
        })
    }
}

/// Where a call is, or how far it came; the report carries it as a number.
#[derive(Clone, Copy)]
pub enum Step {
    /// Nothing was begun: the caller has to go step by step.
    Declined = 0,
    Instantiate = 1,
    Initialize = 2,
    Realloc = 3,
    Run = 4,
    Post = 5,
    Done = 6,
}

/// Sizes and alignment of `result<list<u8>, string>`: tag at 0, pointer at 4, length at 8.
const AREA_BYTES: usize = 12;
const AREA_ALIGN: usize = 4;

/// Calls `_initialize`, `cabi_realloc`, `run` and `cabi_post_run`. The report's step tells whether it came to its end, or to what does
/// not fit, which is then what that step has given. A small output is in the report, one that fits the caller's room exactly is there,
/// another is a `Buffer`.
pub fn call(
    live: &Live,
    steps: &Steps,
    scope: Scope,
    [input, caller_room]: [sys::napi_value; 2],
    report: &Report,
) -> Result<sys::napi_value> {
    let Inner { functions, .. } = &*live.module;
    let (length, bytes_max) = (report.input_bytes(), report.output_bytes_max().min(OUTPUT_BYTES_MAX));
    live.enter(scope, |store| {
        let fuel = live.fuel(store);
        if let Some(fuel) = fuel {
            fuel.set(&mut *store, w::Val::I64(report.fuel()))?;
        }
        // A guest that has no fuel left is looked at before it does anything else.
        let goes_on = |store: &mut w::StoreContextMut<'_, State>| {
            let left = fuel.and_then(|fuel| fuel.get(&mut *store).i64());
            left.is_none_or(|left| {
                report.left(left);
                left >= 0
            })
        };
        if let Some(initialize) = steps.initialize {
            report.at(Step::Initialize);
            live.call(store, &functions[initialize], numbers([0; 4]))?;
            if !goes_on(store) {
                return Ok(ptr::null_mut());
            }
        }
        report.at(Step::Realloc);
        let pointer = live.call(store, &functions[steps.realloc], numbers([0, 0, 1, length as u32]))? as u32;
        report.gave(pointer);
        let is_spent = !goes_on(store);
        let Some(room) = live.bytes(store).get_mut(pointer as usize..).and_then(|rest| rest.get_mut(..length)) else {
            return Ok(ptr::null_mut());
        };
        if is_spent {
            return Ok(ptr::null_mut());
        }
        copy_in(scope.0, input, room)?;
        report.at(Step::Run);
        let area = live.call(store, &functions[steps.run], numbers([pointer, length as u32, 0, 0]))? as u32;
        report.gave(area);
        if !goes_on(store) {
            return Ok(ptr::null_mut());
        }
        let Some(output) = output_of(live.bytes(store), area as usize).filter(|output| output.len() <= bytes_max) else {
            return Ok(ptr::null_mut());
        };
        let output = copy_out(scope.0, output, caller_room, report)?;
        if let Some(post) = steps.post {
            report.at(Step::Post);
            live.call(store, &functions[post], numbers([area, 0, 0, 0]))?;
            goes_on(store);
        }
        report.at(Step::Done);
        Ok(output)
    })
}

/// Calls a program's `_start`. Whenever it calls an import the report has its fuel and the size of its memory, and what the import leaves
/// there is its fuel from then on: to ask for each would take a step into native code. No import of a program calls into it.
pub fn start(live: &Live, callable: &Callable, scope: Scope, report: Report) -> Result<()> {
    live.enter(scope, |store| {
        let fuel = live.fuel(store);
        if let Some(fuel) = fuel {
            fuel.set(&mut *store, w::Val::I64(report.fuel()))?;
        }
        report.lies(live.bytes(store).as_ptr());
        let told = live.told(report, fuel);
        store.data_mut().told = Some(told);
        report.at(Step::Run);
        live.call(store, callable, numbers([0; 4]))?;
        told.tell(&mut *store);
        report.at(Step::Done);
        Ok(())
    })
}

fn numbers(values: [u32; 4]) -> [w::ValRaw; 4] {
    values.map(w::ValRaw::u32)
}

/// The bytes that a result area names, if all of it is as it should be.
fn output_of(memory: &[u8], area: usize) -> Option<&[u8]> {
    let words = memory.get(area..)?.get(..AREA_BYTES)?;
    if !area.is_multiple_of(AREA_ALIGN) || words[0] != 0 {
        return None;
    }
    let word = |at: usize| u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]) as usize;
    memory.get(word(4)..)?.get(..word(8))
}

/// Copies the input, which is looked at only now: an import may have run since the call began.
fn copy_in(env: sys::napi_env, input: sys::napi_value, room: &mut [u8]) -> w::Result<()> {
    let length = room.len();
    let Some(data) = bytes_of(env, input, length) else { w::bail!("the input is not what it was") };
    if length > 0 {
        // SAFETY: both are of that length, and apart: a buffer of the guest's own memory is no input. No JavaScript runs meanwhile in
        // this thread; what another thread writes to a shared buffer meanwhile is bytes all the same.
        unsafe { ptr::copy_nonoverlapping(data, room.as_mut_ptr(), length) };
    }
    Ok(())
}

/// Where the bytes of an `Uint8Array` of that length lie.
fn bytes_of(env: sys::napi_env, value: sys::napi_value, wanted: usize) -> Option<*mut u8> {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
    // SAFETY: the calls write to variables of ours, or nothing.
    let status =
        unsafe { sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut()) };
    let fits = status == sys::Status::napi_ok && kind == sys::TypedarrayType::uint8_array && length == wanted;
    fits.then_some(data.cast())
}

/// A copy for JavaScript: in the report, in the caller's room, or a `Buffer` over an `ArrayBuffer` of its own. Only those are not filled with zeros first.
fn copy_out(env: sys::napi_env, output: &[u8], room: sys::napi_value, report: &Report) -> w::Result<sys::napi_value> {
    let length = output.len();
    report.gives(length);
    if length < SMALL_BYTES {
        // SAFETY: the report has room for that many bytes, which are not the guest's.
        unsafe { ptr::copy_nonoverlapping(output.as_ptr(), report.output(), length) };
        return Ok(ptr::null_mut());
    }
    if let Some(data) = bytes_of(env, room, length) {
        // SAFETY: it is of that length, and nobody else's before the runner has settled it.
        unsafe { copy::past_caches(output, data) };
        return Ok(ptr::null_mut());
    }
    let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the call writes to variables of ours.
    let status = unsafe { sys::napi_create_buffer(env, length, &mut data, &mut buffer) };
    if status != sys::Status::napi_ok {
        return Err(w::Error::msg(format!("no buffer of {length} bytes (status {status})")));
    }
    // SAFETY: the buffer is new and of that length; the runner settles it.
    unsafe { copy::past_caches(output, data.cast::<u8>()) };
    Ok(buffer)
}
