//! A guest's imports: JavaScript functions, called on the guest's own thread.

use crate::code::Stop;
use crate::live::State;
use napi::sys;
use std::mem::MaybeUninit;
use std::ptr;
use wasmtime as w;

/// More parameters has no import of the world or of a WASI program.
const PARAMS_MAX: usize = 9;

/// What passes between a guest and JavaScript.
#[derive(Clone, Copy)]
enum Number {
    I32,
    I64,
    F32,
    F64,
}

struct Signature {
    params: Vec<Number>,
    result: Option<Number>,
}

impl Signature {
    fn of(kind: &w::FuncType) -> w::Result<Self> {
        let params = kind.params().map(|value| Number::of(&value)).collect::<w::Result<Vec<_>>>()?;
        let result = kind.results().next().map(|value| Number::of(&value)).transpose()?;
        if params.len() > PARAMS_MAX || kind.results().len() > 1 {
            w::bail!("an import has another signature than those of the world");
        }
        Ok(Self { params, result })
    }
}

/// Defines the import at `index` of a module: it calls the function that the call was given, with this index and its own arguments.
pub fn define(linker: &mut w::Linker<State>, index: u32, wanted: &w::ImportType<'_>) -> w::Result<()> {
    let w::ExternType::Func(kind) = wanted.ty() else { w::bail!("imports \"{}\", which is no function", wanted.name()) };
    let signature = Signature::of(&kind)?;
    // A module may import one function twice, under the same name.
    linker.allow_shadowing(true);
    // SAFETY: the values are read and written as the signature has them, which is that of `kind`.
    unsafe {
        linker.func_new_unchecked(wanted.module(), wanted.name(), kind, move |mut caller, values| {
            call(&mut caller, index, &signature, values).map_err(w::Error::from)
        })
    }?;
    Ok(())
}

/// # Safety
/// The values are those of a call of that signature.
unsafe fn call(
    caller: &mut w::Caller<'_, State>,
    index: u32,
    signature: &Signature,
    values: &mut [MaybeUninit<w::ValRaw>],
) -> Result<(), Stop> {
    let (env, dispatch) = caller.data().scope;
    let told = caller.data().told;
    if let Some(told) = told {
        told.tell(&mut *caller);
    }
    let outer = caller.data().enter_import(caller);
    let mut scope = ptr::null_mut();
    // SAFETY: `scope` is of the call that this thread is in; every handle made here is closed with the scope.
    let given = unsafe {
        sys::napi_open_handle_scope(env, &mut scope);
        let given = call_in_scope(env, dispatch, index, signature, values);
        let thrown = if given.is_none() { take_thrown(env) } else { ptr::null_mut() };
        sys::napi_close_handle_scope(env, scope);
        given.ok_or(thrown)
    };
    let state = caller.data_mut();
    state.leave_import(outer);
    given.map_err(|thrown| {
        state.thrown = thrown;
        Stop::Thrown
    })?;
    if let Some(told) = told {
        told.hear(&mut *caller);
    }
    Ok(())
}

/// `None` when the function threw, or gave what it should not.
unsafe fn call_in_scope(
    env: sys::napi_env,
    dispatch: sys::napi_value,
    index: u32,
    Signature { params, result }: &Signature,
    values: &mut [MaybeUninit<w::ValRaw>],
) -> Option<()> {
    unsafe {
        let (mut undefined, mut given) = (ptr::null_mut(), ptr::null_mut());
        let mut arguments = [ptr::null_mut(); PARAMS_MAX + 1];
        ok(sys::napi_get_undefined(env, &mut undefined))?;
        ok(sys::napi_create_uint32(env, index, &mut arguments[0]))?;
        for ((argument, number), value) in arguments[1..].iter_mut().zip(params).zip(values.iter()) {
            ok(number.to_js(env, value.assume_init_ref(), argument))?;
        }
        let status = sys::napi_call_function(env, undefined, dispatch, params.len() + 1, arguments.as_ptr(), &mut given);
        ok(status)?;
        if let Some(number) = result {
            values[0].write(number.from_js(env, given)?);
        }
        Some(())
    }
}

impl Number {
    fn of(kind: &w::ValType) -> w::Result<Self> {
        Ok(match kind {
            w::ValType::I32 => Self::I32,
            w::ValType::I64 => Self::I64,
            w::ValType::F32 => Self::F32,
            w::ValType::F64 => Self::F64,
            _ => w::bail!("an import takes or gives what is no number"),
        })
    }

    unsafe fn to_js(self, env: sys::napi_env, value: &w::ValRaw, made: *mut sys::napi_value) -> sys::napi_status {
        unsafe {
            match self {
                Self::I32 => sys::napi_create_int32(env, value.get_i32(), made),
                Self::I64 => sys::napi_create_bigint_int64(env, value.get_i64(), made),
                Self::F32 => sys::napi_create_double(env, f32::from_bits(value.get_f32()).into(), made),
                Self::F64 => sys::napi_create_double(env, f64::from_bits(value.get_f64()), made),
            }
        }
    }

    unsafe fn from_js(self, env: sys::napi_env, value: sys::napi_value) -> Option<w::ValRaw> {
        let (mut small, mut large, mut double, mut lossless) = (0, 0, 0.0, false);
        unsafe {
            Some(match self {
                Self::I32 => {
                    ok(sys::napi_get_value_int32(env, value, &mut small))?;
                    w::ValRaw::i32(small)
                }
                Self::I64 => {
                    ok(sys::napi_get_value_bigint_int64(env, value, &mut large, &mut lossless))?;
                    w::ValRaw::i64(large)
                }
                Self::F32 => {
                    ok(sys::napi_get_value_double(env, value, &mut double))?;
                    w::ValRaw::f32((double as f32).to_bits())
                }
                Self::F64 => {
                    ok(sys::napi_get_value_double(env, value, &mut double))?;
                    w::ValRaw::f64(double.to_bits())
                }
            })
        }
    }
}

fn ok(status: sys::napi_status) -> Option<()> {
    (status == sys::Status::napi_ok).then_some(())
}

/// The pending exception, kept alive by a reference; null if there is none.
unsafe fn take_thrown(env: sys::napi_env) -> sys::napi_ref {
    let (mut thrown, mut kept, mut pending) = (ptr::null_mut(), ptr::null_mut(), false);
    unsafe {
        sys::napi_is_exception_pending(env, &mut pending);
        if pending && sys::napi_get_and_clear_last_exception(env, &mut thrown) == sys::Status::napi_ok {
            sys::napi_create_reference(env, thrown, 1, &mut kept);
        }
    }
    kept
}
