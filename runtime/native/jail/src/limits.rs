//! What the kernel of the system counts for us: no core files, few descriptors, bounded data and threads, the last in every queue.

use crate::order::Order;
use crate::report::{Failure, Layer, OrFailure};
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};

/// Node with its threads has some 40.
pub const DESCRIPTORS: u64 = 256;
const NICE: i32 = 19;

pub fn lower(order: &Order) -> Result<(), Failure> {
    let nothing = [Resource::Core, Resource::Memlock, Resource::Msgqueue, Resource::Rtprio, Resource::Fsize];
    for resource in nothing {
        set(resource, 0)?;
    }
    set(Resource::Nofile, DESCRIPTORS)?;
    // Not the address space: V8 and Wasmtime reserve far more of it than they use.
    if let Some(bytes) = order.memory {
        set(Resource::Data, bytes)?;
    }
    // Without a user namespace all processes of the user are counted, not those of the cell.
    if let Some(processes) = order.processes.filter(|_| order.has(Layer::Namespaces)) {
        set(Resource::Nproc, processes)?;
    }
    setpriority_process(None, NICE).or_failure(Layer::Limits, "nice")
}

fn set(resource: Resource, value: u64) -> Result<(), Failure> {
    let limit = Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, limit).or_failure(Layer::Limits, "setrlimit")
}
