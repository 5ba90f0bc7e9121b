//! `mesos._mesos._LocalCluster`: the embedded cluster for Python (python/mesos/local.py).
//!
//! # Invariants
//! * Starting and closing release the GIL; the environment that tasks inherit is read while it is held.

use crate::error::Error;
use crate::local::{Cluster, Config, Fault, inherited_environment};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

/// A running cluster.
#[pyclass(frozen, module = "mesos._mesos", name = "_LocalCluster")]
pub(crate) struct PyCluster(Cluster);

#[pymethods]
impl PyCluster {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python constructor")]
    fn new(
        py: Python<'_>,
        agents: usize,
        resources: String,
        port: u16,
        work_dir: PathBuf,
        authenticate_executors: bool,
        domain_sockets: bool,
        attributes: Vec<String>,
        offer_timeout: Option<f64>,
    ) -> Result<Self, Error> {
        let config = Config {
            agents,
            resources,
            attributes,
            offer_timeout: offer_timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            port,
            work_dir,
            authenticate_executors,
            domain_sockets,
            environment: inherited_environment(),
        };
        py.detach(|| Cluster::start(config)).map(Self)
    }

    /// `127.0.0.1:PORT`
    #[getter]
    fn master(&self) -> String {
        self.0.address().to_string()
    }

    /// Id and address of each agent.
    fn agents(&self) -> Vec<(String, String)> {
        self.0.agents().iter().map(|(id, address)| (id.clone(), address.to_string())).collect()
    }

    /// Makes something go wrong with the agent at a position, or with the master (the position means nothing then).
    fn fault(&self, py: Python<'_>, name: &str, agent: usize) -> PyResult<()> {
        let fault = match name {
            "stop" => Fault::AgentStops(agent),
            "start" => Fault::AgentStarts(agent),
            "lose" => Fault::AgentLost(agent),
            "find" => Fault::AgentReturns(agent),
            "gone" => Fault::AgentGone(agent),
            "fail_over" => Fault::MasterFailsOver,
            _ => return Err(PyValueError::new_err(format!("{name}: there is no such fault"))),
        };
        py.detach(|| self.0.fault(fault)).map_err(Into::into)
    }

    /// The sandbox of the latest run of a task, or None.
    fn sandbox(&self, task_id: &str) -> Result<Option<PathBuf>, Error> {
        self.0.sandbox(task_id)
    }

    /// Descriptors that a forked child must close: a copy of them would keep the tasks of a killed parent alive.
    fn descriptors(&self) -> Vec<i32> {
        self.0.descriptors().to_vec()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}
