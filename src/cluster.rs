//! `mesos._mesos._LocalCluster`: the embedded cluster for Python (python/mesos/local.py).
//!
//! # Invariants
//! * Starting and closing release the GIL; the environment that tasks inherit is read while it is held.

use crate::error::Error;
use crate::local::{Cluster, Config, inherited_environment};
use pyo3::prelude::*;
use std::path::PathBuf;

/// A running cluster.
#[pyclass(frozen, module = "mesos._mesos", name = "_LocalCluster")]
pub(crate) struct PyCluster(Cluster);

#[pymethods]
impl PyCluster {
    #[new]
    fn new(
        py: Python<'_>,
        agents: usize,
        resources: String,
        port: u16,
        work_dir: PathBuf,
    ) -> Result<Self, Error> {
        let environment = inherited_environment();
        let config = Config { agents, resources, port, work_dir, environment };
        py.detach(|| Cluster::start(config)).map(Self)
    }

    /// `127.0.0.1:PORT`
    #[getter]
    fn master(&self) -> String {
        self.0.address().to_string()
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
