//! A guest's imports: JavaScript functions, called on the guest's own thread.

use crate::code::Stop;
use crate::live::State;
use napi::sys;
use std::ptr;
use wasmtime as w;

/// Defines the import at `index` of a module: it calls the function at that index of the array which `Guest.call` was given.
pub fn define(linker: &mut w::Linker<State>, index: u32, wanted: &w::ImportType<'_>) -> w::Result<()> {
    let w::ExternType::Func(kind) = wanted.ty() else { w::bail!("imports \"{}\", which is no function", wanted.name()) };
    let result = kind.results().next();
    // A module may import one function twice, under the same name.
    linker.allow_shadowing(true);
    linker.func_new(wanted.module(), wanted.name(), kind, move |mut caller, params, results| {
        let given = call(&mut caller, index, params, result.as_ref());
        match given {
            Ok(Some(value)) => results[0] = value,
            Ok(None) => {}
            Err(stop) => return Err(stop.into()),
        }
        Ok(())
    })?;
    Ok(())
}

fn call(
    caller: &mut w::Caller<'_, State>,
    index: u32,
    params: &[w::Val],
    result: Option<&w::ValType>,
) -> Result<Option<w::Val>, Stop> {
    let (env, imports) = caller.data().scope;
    let told = caller.data().told;
    if let Some(told) = told {
        told.tell(&mut *caller);
    }
    let outer = caller.data().enter_import(caller);
    let mut scope = ptr::null_mut();
    // SAFETY: `scope` is of the call that this thread is in; every handle made here is closed with the scope.
    let given = unsafe {
        sys::napi_open_handle_scope(env, &mut scope);
        let given = call_in_scope(env, imports, index, params, result);
        let thrown = if given.is_none() { take_thrown(env) } else { ptr::null_mut() };
        sys::napi_close_handle_scope(env, scope);
        given.ok_or(thrown)
    };
    let state = caller.data_mut();
    state.leave_import(outer);
    let given = given.map_err(|thrown| {
        state.thrown = thrown;
        Stop::Thrown
    })?;
    if let Some(told) = told {
        told.hear(&mut *caller);
    }
    Ok(given)
}

/// `None` when the function threw, or gave what it should not.
unsafe fn call_in_scope(
    env: sys::napi_env,
    imports: sys::napi_value,
    index: u32,
    params: &[w::Val],
    result: Option<&w::ValType>,
) -> Option<Option<w::Val>> {
    unsafe {
        let (mut function, mut undefined, mut given) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        ok(sys::napi_get_element(env, imports, index, &mut function))?;
        ok(sys::napi_get_undefined(env, &mut undefined))?;
        let arguments = params.iter().map(|value| to_js(env, value)).collect::<Option<Vec<_>>>()?;
        let status = sys::napi_call_function(env, undefined, function, arguments.len(), arguments.as_ptr(), &mut given);
        ok(status)?;
        match result {
            None => Some(None),
            Some(kind) => from_js(env, given, kind).map(Some),
        }
    }
}

unsafe fn to_js(env: sys::napi_env, value: &w::Val) -> Option<sys::napi_value> {
    let mut made = ptr::null_mut();
    let status = unsafe {
        match *value {
            w::Val::I32(number) => sys::napi_create_int32(env, number, &mut made),
            w::Val::I64(number) => sys::napi_create_bigint_int64(env, number, &mut made),
            w::Val::F32(bits) => sys::napi_create_double(env, f32::from_bits(bits).into(), &mut made),
            w::Val::F64(bits) => sys::napi_create_double(env, f64::from_bits(bits), &mut made),
            _ => return None,
        }
    };
    ok(status).map(|()| made)
}

unsafe fn from_js(env: sys::napi_env, value: sys::napi_value, kind: &w::ValType) -> Option<w::Val> {
    let (mut small, mut large, mut double, mut lossless) = (0, 0, 0.0, false);
    unsafe {
        match kind {
            w::ValType::I32 => ok(sys::napi_get_value_int32(env, value, &mut small)).map(|()| w::Val::I32(small)),
            w::ValType::I64 => {
                ok(sys::napi_get_value_bigint_int64(env, value, &mut large, &mut lossless)).map(|()| w::Val::I64(large))
            }
            w::ValType::F32 => {
                ok(sys::napi_get_value_double(env, value, &mut double)).map(|()| w::Val::F32((double as f32).to_bits()))
            }
            w::ValType::F64 => ok(sys::napi_get_value_double(env, value, &mut double)).map(|()| w::Val::F64(double.to_bits())),
            _ => None,
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
