//! What the imports of a program are told through its runner's report, so that they need not ask for it.

use crate::runner::Report;
use wasmtime as w;

/// Where a program's fuel and the size of its memory are told of in an import.
#[derive(Clone, Copy)]
pub struct Told {
    pub report: Report,
    pub fuel: Option<w::Global>,
    pub memory: w::Memory,
}

impl Told {
    pub fn tell(&self, mut store: impl w::AsContextMut) {
        self.report.size(self.memory.data_size(&store));
        if let Some(left) = self.fuel.and_then(|fuel| fuel.get(&mut store).i64()) {
            self.report.left(left);
        }
    }

    /// Takes over what the import has left of the fuel.
    pub fn hear(&self, mut store: impl w::AsContextMut) {
        if let Some(fuel) = self.fuel {
            // The counter is a mutable i64, which the module was checked for: no other error is there.
            let _ = fuel.set(&mut store, w::Val::I64(self.report.fuel()));
        }
    }
}
