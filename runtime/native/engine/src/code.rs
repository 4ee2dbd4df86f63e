//! The project's codes for what ends a call. The table with their texts and faults is in TypeScript; a test reads both.

use napi_derive::napi;
use std::fmt;

pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

macro_rules! codes {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// What a JavaScript error that comes from here has as its `code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($variant),* }

        impl AsRef<str> for Code {
            fn as_ref(&self) -> &str {
                match self { $(Code::$variant => $text),* }
            }
        }

        /// Every code that can come from here.
        #[napi]
        pub fn codes() -> Vec<&'static str> {
            vec![$($text),*]
        }
    };
}

codes! {
    Malformed = "ERR_KERNEL_MALFORMED",
    Trap = "ERR_TRAP",
    StackSpent = "ERR_STACK_SPENT",
    WallSpent = "ERR_WALL_SPENT",
    Aborted = "ERR_ABORTED",
    HostMemory = "ERR_HOST_MEMORY",
    HostFault = "ERR_HOST_FAULT",
}

/// Why a guest was stopped, where it was not a trap of its own.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    Aborted,
    WallSpent,
    HostMemory,
    /// An import threw; what it threw waits in the store.
    Thrown,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Stop {}

/// What ended a call, as our code and the engine's words.
pub fn failure(error: &wasmtime::Error) -> napi::Error<Code> {
    let code = match (error.downcast_ref::<Stop>(), error.downcast_ref::<wasmtime::Trap>()) {
        (Some(Stop::Aborted), _) => Code::Aborted,
        (Some(Stop::WallSpent), _) => Code::WallSpent,
        (Some(Stop::HostMemory), _) => Code::HostMemory,
        (_, Some(wasmtime::Trap::StackOverflow)) => Code::StackSpent,
        (_, Some(trap)) => return napi::Error::new(Code::Trap, trap.to_string()),
        _ => Code::HostFault,
    };
    napi::Error::new(code, format!("{error:#}"))
}
