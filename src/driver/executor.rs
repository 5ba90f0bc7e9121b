//! `ExecutorHandle`: the native half of `mesos.ExecutorDriver`. Each call: coerce, check, complete, send.
//!
//! # Invariants
//! * A call is complete and checked before it is sent, whether the driver runs or not: bad input always raises.
//! * Every call answers the driver's status, never whether Mesos heard it.

use super::arguments::data_bytes;
use super::handle::Handle;
use super::identity::TlsSettings;
use super::lifecycle::{Lifecycle, lock};
use super::scripted::ScriptedBackend;
use super::update::{Origin, update};
use crate::backend::http::executor::{Config, Policy, connect};
use crate::backend::http::master::Endpoint;
use crate::backend::http::tls::{self, Tls};
use crate::backend::libmesos;
use crate::dispatch::describe::task_name;
use crate::dispatch::{Dispatch, Known, Side};
use crate::error::{Error, Result};
use crate::event::{Call, Placement};
use crate::message::{from_wire, to_wire_for};
use crate::wire::{Message, field, last_bytes, msg};
use bytes::Bytes;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// What `mesos._environment` has read. Times are in seconds. Not `Debug`: it holds a secret.
#[derive(FromPyObject)]
struct Environment<'py> {
    framework_id: Bound<'py, PyAny>,
    executor_id: Bound<'py, PyAny>,
    agent_id: Bound<'py, PyAny>,
    address: String,
    prefix: String,
    domain_socket: Option<PathBuf>,
    checkpoint: bool,
    recovery_timeout: f64,
    backoff_max: f64,
    grace_period: Option<f64>,
    token: Option<String>,
    tls: Option<TlsSettings>,
}

/// The native half of `mesos.ExecutorDriver`.
#[pyclass(frozen, extends = Handle, module = "mesos._mesos")]
pub(crate) struct ExecutorHandle {
    /// as far as the environment says it
    origin: Option<Origin>,
    /// how to get to the agent; taken at the start
    config: Mutex<Option<Config>>,
}

#[pymethods]
impl ExecutorHandle {
    #[new]
    #[pyo3(signature = (*, environment, absent))]
    fn new(environment: Option<Environment<'_>>, absent: Vec<String>) -> PyResult<PyClassInitializer<Self>> {
        let config = environment.map(Environment::config).transpose()?;
        let (origin, config) = config.unzip();
        let dispatch = Dispatch::new(Side::Executor, Known::default(), false, None, absent);
        let handle = Handle::new(Lifecycle::new("ExecutorDriver")?, dispatch);
        Ok(PyClassInitializer::from(handle).add_subclass(Self { origin, config: Mutex::new(config) }))
    }

    /// Starts once, at the environment's agent or over a ScriptedBackend; the status. A `library` is the path of a libmesos,
    /// empty for that of the environment; without one HTTP is spoken.
    #[pyo3(signature = (scripted=None, library=None))]
    fn start(
        slf: &Bound<'_, Self>,
        scripted: Option<&Bound<'_, ScriptedBackend>>,
        library: Option<String>,
    ) -> PyResult<u8> {
        let py = slf.py();
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        handle.hear_logs(py)?;
        if let Some(scripted) = scripted {
            let backend = scripted.get().backend();
            let start = || handle.life.start(|sender| backend.connect(Side::Executor, sender));
            return Ok(py.detach(start)? as u8);
        }
        let Some(config) = lock(&slf.get().config).take() else { return Ok(handle.life.status() as u8) };
        let start = || {
            handle.life.start(|sender| match library {
                Some(library) => libmesos::executor::connect(settings(config, library), sender),
                None => connect(config, sender),
            })
        };
        Ok(py.detach(start)? as u8)
    }

    #[getter]
    fn executor_info(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        placed(slf, msg::EXECUTOR_INFO, |placement| placement.executor_info)
    }

    #[getter]
    fn framework_info(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        placed(slf, msg::FRAMEWORK_INFO, |placement| placement.framework_info)
    }

    #[getter]
    fn agent_info(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        placed(slf, msg::AGENT_INFO, |placement| placement.agent_info)
    }

    /// How many updates the agent has not acknowledged.
    #[getter]
    fn unacknowledged(slf: &Bound<'_, Self>) -> PyResult<u64> {
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        Ok(slf.py().detach(|| handle.life.stats()).unacknowledged)
    }

    fn send_status_update(slf: &Bound<'_, Self>, status: &Bound<'_, PyAny>) -> PyResult<u8> {
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        let status = to_wire_for("status", status, msg::TASK_STATUS)?;
        let told = lock(&handle.dispatch.known).placement.as_ref().map(Origin::of);
        let update = update(&status, slf.get().origin.as_ref().or(told.as_ref()))?;
        if update.is_terminal {
            lock(&handle.dispatch.known).kill_policies.remove(&update.task);
        }
        handle.sent(slf.py(), Call::Update(update.status))
    }

    fn send_framework_message(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<u8> {
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        handle.sent(slf.py(), Call::SchedulerMessage(data_bytes(data)?))
    }

    /// The policy of the task's last kill, else its own.
    fn kill_policy(slf: &Bound<'_, Self>, task_id: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        let name = task_name(&to_wire_for("task_id", task_id, msg::TASK_ID)?);
        let policy = lock(&handle.dispatch.known).kill_policies.get(&name).cloned();
        policy.map(|policy| from_wire(slf.py(), msg::KILL_POLICY, policy)).transpose()
    }
}

/// What of it is for a driver over libmesos.
fn settings(config: Config, library: String) -> libmesos::executor::Settings {
    let Config { endpoint, framework_id, executor_id, grace_period, .. } = config;
    libmesos::executor::Settings { library, agent: endpoint, framework_id, executor_id, grace_period }
}

fn placed(
    slf: &Bound<'_, ExecutorHandle>,
    message: &'static Message,
    part: fn(Placement) -> Bytes,
) -> PyResult<Option<Py<PyAny>>> {
    let handle = slf.as_super().get();
    handle.life.check_process()?;
    let placement = lock(&handle.dispatch.known).placement.clone();
    placement.map(|placement| from_wire(slf.py(), message, part(placement))).transpose()
}

impl Origin {
    /// The same, as the agent has told it.
    fn of(placement: &Placement) -> Self {
        let part = |message: &Bytes, number| {
            last_bytes(message, number).map(|found| message.slice_ref(found)).unwrap_or_default()
        };
        Self {
            executor_id: part(&placement.executor_info, field::executor_info::EXECUTOR_ID),
            agent_id: part(&placement.agent_info, field::agent_info::ID),
        }
    }
}

impl Environment<'_> {
    /// How to get to the agent, and who we are there.
    fn config(self) -> PyResult<(Origin, Config)> {
        let executor_id = to_wire_for("MESOS_EXECUTOR_ID", &self.executor_id, msg::EXECUTOR_ID)?;
        let agent_id = to_wire_for("MESOS_SLAVE_ID", &self.agent_id, msg::AGENT_ID)?;
        let tls = self.tls.map(|(ca, cert, key, verify, server_name)| {
            Tls::new(tls::Settings { ca, cert, key, verify, server_name })
        });
        let tls = tls.transpose()?;
        let config = Config {
            endpoint: Endpoint::agent(&self.address, &self.prefix, tls.is_some())?,
            unix_socket: self.domain_socket,
            tls,
            token: self.token,
            framework_id: to_wire_for("MESOS_FRAMEWORK_ID", &self.framework_id, msg::FRAMEWORK_ID)?,
            executor_id: executor_id.clone(),
            policy: Policy {
                checkpoint: self.checkpoint,
                recovery_timeout: seconds("MESOS_RECOVERY_TIMEOUT", self.recovery_timeout)?,
                backoff_max: seconds("MESOS_SUBSCRIPTION_BACKOFF_MAX", self.backoff_max)?,
            },
            grace_period: self
                .grace_period
                .map(|given| seconds("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", given))
                .transpose()?,
        };
        Ok((Origin { executor_id, agent_id }, config))
    }
}

fn seconds(name: &str, given: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(given)
        .map_err(|_| Error::Configuration(format!("{name}: a time from 0 up is expected, not {given} s")))
}
