//! The order in which the walls go up. Each takes away what the one before still needed.

use crate::execute::Program;
use crate::order::Order;
use crate::report::{Failure, Layer, Report};
use crate::{capabilities, descriptors, files, filter, limits, namespaces, root};
use std::process::ExitCode;

/// Status of a process that could not put a wall up, and of one that was called wrongly.
const FAILED: u8 = 125;

/// Reads the order from the command line and carries it out. Returns only if that fails.
pub fn main() -> ExitCode {
    let order = match Order::read(std::env::args_os().skip(1)) {
        Ok(order) => order,
        Err(reason) => {
            eprintln!("lodger-jail: {reason}");
            return ExitCode::from(FAILED);
        }
    };
    let report = Report::to(order.report);
    match carry_out(&order, &report) {
        Ok(status) => status,
        Err(failure) => {
            report.failed(&failure);
            ExitCode::from(FAILED)
        }
    }
}

fn carry_out(order: &Order, report: &Report) -> Result<ExitCode, Failure> {
    descriptors::close_others(&order.kept())?;
    if order.has(Layer::Namespaces) {
        // What stays outside passes the end on; what comes back is the first process of the new namespaces.
        if let Some(status) = namespaces::enter(report)? {
            return Ok(status);
        }
    } else {
        report.process(std::process::id());
    }
    if order.has(Layer::Root) {
        root::enter(&order.read)?;
    }
    let program = Program::open(&order.program)?;
    limits::lower(order)?;
    capabilities::drop_all()?;
    if order.has(Layer::Landlock) {
        files::restrict(&order.read, order.program_path())?;
    }
    report.held(order);
    if order.has(Layer::Seccomp) {
        filter::restrict(program.empty_path())?;
    }
    Err(program.become_it())
}
