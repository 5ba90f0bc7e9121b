//! `mesos._mesos`: the native half of the Python package `mesos`. ARCHITECTURE.md is the map.

mod backend;
mod cluster;
mod dispatch;
mod driver;
mod error;
mod event;
mod exceptions;
#[cfg(fuzzing)]
pub mod fuzz;
mod interrupt;
mod local;
mod message;
mod proto;
mod queue;
mod runtime;
mod sys;
mod task;
mod trace;
mod validate;
mod wire;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _mesos(module: &Bound<'_, PyModule>) -> PyResult<()> {
    sys::forks::watch()?;
    message::register(module)?;
    module.add_class::<cluster::PyCluster>()?;
    module.add_class::<driver::handle::Handle>()?;
    module.add_class::<driver::scheduler::SchedulerHandle>()?;
    module.add_class::<driver::executor::ExecutorHandle>()?;
    module.add_class::<driver::scripted::ScriptedBackend>()?;
    module.add_function(wrap_pyfunction!(driver::identity::check_master, module)?)?;
    module.add_function(wrap_pyfunction!(trace::py_trace, module)?)?;
    module.add_function(wrap_pyfunction!(driver::identity::check_libmesos_master, module)?)?;
    module.add_function(wrap_pyfunction!(interrupt::end_interrupts, module)?)?;
    module.add_function(wrap_pyfunction!(backend::libmesos::py_version, module)?)
}
