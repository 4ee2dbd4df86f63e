//! A running instance as JavaScript drives it, call by call. Its methods throw errors with one of our codes.

use crate::code::{Code, Result};
use crate::live::Live;
use napi::bindgen_prelude::{ObjectFinalize, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;
use std::rc::Rc;
use wasmtime as w;

/// A running instance.
#[napi(custom_finalize)]
pub struct Guest(pub(crate) Rc<Live>);

#[napi]
impl Guest {
    /// Calls the exported function of that index with as many of the numbers as it takes; 0 if it gives nothing. Imports are called
    /// by `dispatch(index, ...arguments)`, by their index in the module.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn call(&self, env: Env, function: u32, a: i32, b: i32, c: i32, d: i32, dispatch: Unknown<'_>) -> Result<i32> {
        let Some(callable) = self.0.module.functions.get(function as usize) else {
            return Err(napi::Error::new(Code::HostFault, format!("no function {function}")));
        };
        let values = [a, b, c, d].map(w::ValRaw::i32);
        self.0.enter((env.raw(), dispatch.raw()), |store| self.0.call(store, callable, values))
    }

    /// Bytes of memory now.
    #[napi(getter)]
    pub fn size(&self) -> Result<f64> {
        Ok(self.0.size()? as f64)
    }

    /// The memory itself, not a copy. The buffer is emptied when a later one is asked for, and when the guest ends.
    #[napi]
    pub fn memory<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        let buffer = self.0.view(env.raw())?;
        // SAFETY: the value was made in this environment, and lives as long as the scope of this call.
        Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), buffer) })
    }

    /// An exported global of type i64.
    #[napi]
    pub fn get_global(&self, name: String) -> Result<i64> {
        self.0.get_i64(self.named(&name)?)
    }

    /// Sets an exported, mutable global of type i64.
    #[napi]
    pub fn set_global(&self, name: String, value: i64) -> Result<()> {
        self.0.set_i64(self.named(&name)?, value)
    }

    /// What a metered module has left of its fuel.
    #[napi]
    pub fn get_fuel(&self) -> Result<i64> {
        self.0.get_fuel()
    }

    #[napi]
    pub fn set_fuel(&self, fuel: i64) -> Result<()> {
        self.0.set_i64(self.0.global(self.0.module.fuel.as_ref())?, fuel)
    }

    /// Where it was when it failed: function index and offset in the module of each frame, in turn, the innermost first.
    #[napi]
    pub fn trace(&self) -> Vec<f64> {
        self.0.trace()
    }

    /// Gives the memory back. Buffers of it are empty afterwards.
    #[napi]
    pub fn end(&self, env: Env) -> Result<()> {
        self.0.end(env.raw())
    }
}

impl Guest {
    fn named(&self, name: &str) -> Result<w::Global> {
        self.0.global(self.0.module.pre.module().get_export_index(name).as_ref())
    }
}

impl ObjectFinalize for Guest {
    fn finalize(self, env: Env) -> napi::Result<()> {
        // A runner that still holds it ends it, or is itself finalized.
        if let Some(live) = Rc::into_inner(self.0) {
            live.detach(env.raw());
        }
        Ok(())
    }
}
