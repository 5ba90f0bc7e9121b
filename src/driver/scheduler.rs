//! `SchedulerHandle`: the native half of `mesos.SchedulerDriver`. Each call: coerce, check, send.
//!
//! # Invariants
//! * A call is complete and checked before it is sent, whether the driver runs or not: bad input always raises.
//! * Every call answers the driver's status, never whether Mesos heard it.

use super::arguments::{
    constraints, data_bytes, failover_timeout, operation_question, optional, questions, roles, some_roles,
    task_question, with_id,
};
use super::checks;
use super::handle::Handle;
use super::identity::{Identity, TlsSettings};
use super::lifecycle::{Lifecycle, Status, lock};
use super::offers::{offer_ids, offers, one_or_many};
use super::reconciliation::Reconciliation;
use super::scripted::ScriptedBackend;
use crate::backend::said::Said;
use crate::backend::{Backend, Subscription, http, libmesos};
use crate::dispatch::acknowledgement::{operation_acknowledgement, task_acknowledgement};
use crate::dispatch::{Dispatch, Known, Side};
use crate::error::Result;
use crate::event::Call;
use crate::exceptions::EncodeError;
use crate::message::{from_wire, to_wire_for};
use crate::queue::Sender;
use crate::wire::{Writer, field, last_bytes, msg};
use bytes::Bytes;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The native half of `mesos.SchedulerDriver`.
#[pyclass(frozen, extends = Handle, module = "mesos._mesos")]
pub(crate) struct SchedulerHandle {
    /// what the framework subscribes with, as it was last said and not refused
    said: Arc<Mutex<Said>>,
    /// who we are; taken at the start
    identity: Mutex<Option<Identity>>,
    implicit: bool,
    /// `reconcile="auto"`
    reconciliation: Option<Arc<Reconciliation>>,
    failover_timeout: Duration,
}

#[pymethods]
impl SchedulerHandle {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the keywords of the Python constructor")]
    #[pyo3(signature = (framework, *, credential, token, tls, suppressed_roles, offer_constraints,
                        implicit_acknowledgements, reconcile, connect_timeout, absent))]
    fn new(
        framework: &Bound<'_, PyAny>,
        credential: Option<(String, Option<String>)>,
        token: Option<String>,
        tls: Option<TlsSettings>,
        suppressed_roles: &Bound<'_, PyAny>,
        offer_constraints: Option<&Bound<'_, PyAny>>,
        implicit_acknowledgements: bool,
        reconcile: bool,
        connect_timeout: Option<f64>,
        absent: Vec<String>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let framework = to_wire_for("framework", framework, msg::FRAMEWORK_INFO)?;
        let framework_id =
            last_bytes(&framework, field::framework_info::ID).map(|id| framework.slice_ref(id));
        let identity = Identity::new(credential, token, tls, connect_timeout)?;
        let failover_timeout = failover_timeout(&framework);
        let subscription = Subscription {
            framework,
            suppressed_roles: roles(suppressed_roles, "suppressed_roles")?,
            offer_constraints: constraints(offer_constraints)?,
        };
        checks::subscription(&subscription)?;
        let said = Arc::new(Mutex::new(Said::new(subscription)));
        let known = Known::of_scheduler(framework_id, said.clone());
        let reconciliation = reconcile.then(Reconciliation::new);
        let dispatch =
            Dispatch::new(Side::Scheduler, known, implicit_acknowledgements, reconciliation.clone(), absent);
        let handle = Handle::new(Lifecycle::new("SchedulerDriver")?, dispatch);
        Ok(PyClassInitializer::from(handle).add_subclass(Self {
            said,
            identity: Mutex::new(Some(identity)),
            implicit: implicit_acknowledgements,
            reconciliation,
            failover_timeout,
        }))
    }

    /// Starts once, at a master's address or over a ScriptedBackend; the status. A `library` is the path of a libmesos,
    /// empty for that of the environment; without one HTTP is spoken.
    #[pyo3(signature = (target, library=None))]
    fn start(slf: &Bound<'_, Self>, target: &Bound<'_, PyAny>, library: Option<String>) -> PyResult<u8> {
        let py = slf.py();
        let handle = slf.as_super().get();
        handle.life.check_process()?;
        let this = slf.get();
        let subscription = lock(&this.said).now().clone();
        handle.hear_logs(py)?;
        if let Ok(scripted) = target.cast::<ScriptedBackend>() {
            let backend = scripted.get().backend();
            return this.start_over(py, handle, |sender| backend.connect(Side::Scheduler, sender));
        }
        let address = target.extract::<String>()?;
        let Some(identity) = lock(&this.identity).take() else { return Ok(handle.life.status() as u8) };
        this.start_over(py, handle, |sender| match library {
            Some(library) => {
                let settings = identity.settings(library, &address, this.failover_timeout)?;
                libmesos::scheduler::connect(settings, subscription, sender)
            }
            None => {
                let config = identity.config(&address, this.failover_timeout)?;
                http::scheduler::connect(config, subscription, sender)
            }
        })
    }

    /// The FrameworkInfo as it was last said and not refused, with the id once it is known.
    #[getter]
    fn framework(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        slf.as_super().get().life.check_process()?;
        let framework = lock(&slf.get().said).now().framework.clone();
        from_wire(slf.py(), msg::FRAMEWORK_INFO, with_id(slf.as_super().get(), framework))
    }

    #[pyo3(signature = (offers, operations, filters=None))]
    fn accept_offers(
        slf: &Bound<'_, Self>,
        offers: &Bound<'_, PyAny>,
        operations: &Bound<'_, PyAny>,
        filters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        let offered = self::offers(offers)?;
        let framework_id = lock(&slf.as_super().get().dispatch.known).framework_id.clone();
        let operations = offered.operations(operations, framework_id.as_ref())?;
        checks::operations(&operations, framework_id.as_ref())?;
        let filters = optional("filters", filters, msg::FILTERS)?;
        send(slf, Call::Accept { offer_ids: offered.ids, operations, filters })
    }

    #[pyo3(signature = (offers, tasks, filters=None))]
    fn launch_tasks(
        slf: &Bound<'_, Self>,
        offers: &Bound<'_, PyAny>,
        tasks: &Bound<'_, PyAny>,
        filters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        use crate::wire::field::{offer_operation, offer_operation_launch};
        let offered = self::offers(offers)?;
        let tasks = offered.tasks(tasks)?;
        let filters = optional("filters", filters, msg::FILTERS)?;
        if tasks.is_empty() {
            return send(slf, Call::Decline { offer_ids: offered.ids, filters });
        }
        let mut launch = Writer::new();
        launch.varint(offer_operation::TYPE, LAUNCH).message(offer_operation::LAUNCH, |launch| {
            for task in &tasks {
                launch.bytes(offer_operation_launch::TASK_INFOS, task);
            }
        });
        let operations = vec![Bytes::from(launch.finish())];
        let framework_id = lock(&slf.as_super().get().dispatch.known).framework_id.clone();
        checks::operations(&operations, framework_id.as_ref())?;
        send(slf, Call::Accept { offer_ids: offered.ids, operations, filters })
    }

    #[pyo3(signature = (offers, filters=None))]
    fn decline_offer(
        slf: &Bound<'_, Self>,
        offers: &Bound<'_, PyAny>,
        filters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        answer_offers(slf, offers, filters, |offer_ids, filters| Call::Decline { offer_ids, filters })
    }

    fn accept_inverse_offers(
        slf: &Bound<'_, Self>,
        offers: &Bound<'_, PyAny>,
        filters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        answer_offers(slf, offers, filters, |offer_ids, filters| Call::AcceptInverseOffers {
            offer_ids,
            filters,
        })
    }

    fn decline_inverse_offers(
        slf: &Bound<'_, Self>,
        offers: &Bound<'_, PyAny>,
        filters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        answer_offers(slf, offers, filters, |offer_ids, filters| Call::DeclineInverseOffers {
            offer_ids,
            filters,
        })
    }

    fn revive_offers(slf: &Bound<'_, Self>, roles: Option<&Bound<'_, PyAny>>) -> PyResult<u8> {
        want_offers(slf, roles, |roles| Call::Revive { roles }, Said::revive)
    }

    fn suppress_offers(slf: &Bound<'_, Self>, roles: Option<&Bound<'_, PyAny>>) -> PyResult<u8> {
        want_offers(slf, roles, |roles| Call::Suppress { roles }, Said::suppress)
    }

    fn kill_task(
        slf: &Bound<'_, Self>,
        task_id: &Bound<'_, PyAny>,
        agent_id: Option<&Bound<'_, PyAny>>,
        kill_policy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        let task_id = to_wire_for("task_id", task_id, msg::TASK_ID)?;
        let agent_id = optional("agent_id", agent_id, msg::AGENT_ID)?;
        let kill_policy = optional("kill_policy", kill_policy, msg::KILL_POLICY)?;
        send(slf, Call::Kill { task_id, agent_id, kill_policy })
    }

    fn shutdown_executor(
        slf: &Bound<'_, Self>,
        executor_id: &Bound<'_, PyAny>,
        agent_id: &Bound<'_, PyAny>,
    ) -> PyResult<u8> {
        let executor_id = to_wire_for("executor_id", executor_id, msg::EXECUTOR_ID)?;
        let agent_id = to_wire_for("agent_id", agent_id, msg::AGENT_ID)?;
        send(slf, Call::Shutdown { executor_id, agent_id })
    }

    fn acknowledge_status_update(slf: &Bound<'_, Self>, status: &Bound<'_, PyAny>) -> PyResult<u8> {
        slf.get().explicit("acknowledge_status_update")?;
        acknowledge(slf, task_acknowledgement(&to_wire_for("status", status, msg::TASK_STATUS)?))
    }

    fn acknowledge_operation_status(slf: &Bound<'_, Self>, status: &Bound<'_, PyAny>) -> PyResult<u8> {
        slf.get().explicit("acknowledge_operation_status")?;
        acknowledge(slf, operation_acknowledgement(&to_wire_for("status", status, msg::OPERATION_STATUS)?))
    }

    fn reconcile_tasks(slf: &Bound<'_, Self>, statuses: &Bound<'_, PyAny>) -> PyResult<u8> {
        let tasks = questions(statuses, "statuses", task_question)?;
        send(slf, Call::Reconcile { tasks })
    }

    fn reconcile_operations(slf: &Bound<'_, Self>, operations: &Bound<'_, PyAny>) -> PyResult<u8> {
        let operations = questions(operations, "operations", operation_question)?;
        send(slf, Call::ReconcileOperations { operations })
    }

    fn send_framework_message(
        slf: &Bound<'_, Self>,
        executor_id: &Bound<'_, PyAny>,
        agent_id: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<u8> {
        let executor_id = to_wire_for("executor_id", executor_id, msg::EXECUTOR_ID)?;
        let agent_id = to_wire_for("agent_id", agent_id, msg::AGENT_ID)?;
        send(slf, Call::Message { agent_id, executor_id, data: data_bytes(data)? })
    }

    fn request_resources(slf: &Bound<'_, Self>, requests: &Bound<'_, PyAny>) -> PyResult<u8> {
        let requests = one_or_many(requests, "requests")?;
        let requests = requests
            .iter()
            .map(|request| to_wire_for("requests", request, msg::REQUEST))
            .collect::<PyResult<_>>()?;
        send(slf, Call::Request { requests })
    }

    #[pyo3(signature = (framework, *, suppressed_roles, offer_constraints))]
    fn update_framework(
        slf: &Bound<'_, Self>,
        framework: &Bound<'_, PyAny>,
        suppressed_roles: Option<&Bound<'_, PyAny>>,
        offer_constraints: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u8> {
        let framework = to_wire_for("framework", framework, msg::FRAMEWORK_INFO)?;
        let suppressed = suppressed_roles.map(|given| roles(given, "suppressed_roles")).transpose()?;
        let constraints = constraints(offer_constraints)?;
        let handle = slf.as_super().get();
        let known = lock(&handle.dispatch.known).framework_id.clone();
        let Some(known) = known else {
            return Err(PyRuntimeError::new_err(
                "update_framework: the framework has no id before it is registered; call it from `registered` on",
            ));
        };
        let id = last_bytes(&framework, field::framework_info::ID);
        if id.is_some_and(|id| id != known) {
            return Err(EncodeError::new_err(
                "framework.id: a running framework cannot take another id; leave it unset",
            ));
        }
        let now = lock(&slf.get().said).now().clone();
        let mut new = Subscription { framework: with_id(handle, framework), ..now.clone() };
        checks::framework_update(&now.framework, &new.framework)?;
        match suppressed {
            Some(suppressed) => new.suppressed_roles = suppressed,
            None => new.forget_left_roles(),
        }
        new.offer_constraints = constraints.or(new.offer_constraints);
        checks::subscription(&new)?;
        lock(&slf.get().said).update_unheard(new.clone()); // first: it may be refused before `send` has returned
        let status = send(slf, new.update());
        if !matches!(status, Ok(status) if status == Status::Running as u8) {
            lock(&slf.get().said).take_back();
        }
        status
    }
}

/// `Offer.Operation.LAUNCH`
const LAUNCH: u64 = 1;

impl SchedulerHandle {
    /// Starts over the backend that `connect` makes.
    fn start_over(
        &self,
        py: Python<'_>,
        handle: &Handle,
        connect: impl FnOnce(Sender) -> Result<Arc<dyn Backend>> + Send,
    ) -> PyResult<u8> {
        let connect = |sender| match &self.reconciliation {
            Some(reconciliation) => reconciliation.over(connect(sender)?),
            None => connect(sender),
        };
        Ok(py.detach(|| handle.life.start(connect))? as u8)
    }

    /// Acknowledging by hand makes sense only where the driver does not do it.
    fn explicit(&self, method: &str) -> PyResult<()> {
        if self.implicit {
            return Err(PyRuntimeError::new_err(format!(
                "{method}: this driver acknowledges by itself, after each handler; make it with \
                 implicit_acknowledgements=False to do it yourself"
            )));
        }
        Ok(())
    }
}

fn send(slf: &Bound<'_, SchedulerHandle>, call: Call) -> PyResult<u8> {
    let handle = slf.as_super().get();
    handle.life.check_process()?;
    handle.sent(slf.py(), call)
}

/// Sends an acknowledgement of the user's, if there is something to acknowledge, and counts it.
fn acknowledge(slf: &Bound<'_, SchedulerHandle>, call: Option<Call>) -> PyResult<u8> {
    let Some(call) = call else { return unsent(slf) };
    checks::acknowledgement(&call)?;
    let handle = slf.as_super().get();
    if handle.life.running() {
        handle.dispatch.acknowledged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    send(slf, call)
}

/// Sends what says whether offers are wanted for these roles, or all, and notes it; no roles at all send nothing.
fn want_offers(
    slf: &Bound<'_, SchedulerHandle>,
    roles: Option<&Bound<'_, PyAny>>,
    call: fn(Vec<String>) -> Call,
    note: fn(&mut Said, &[String]),
) -> PyResult<u8> {
    let roles = some_roles(roles)?;
    if roles.as_ref().is_some_and(Vec::is_empty) {
        return unsent(slf);
    }
    let roles = roles.unwrap_or_default();
    checks::subscribed_roles(&lock(&slf.get().said).now().framework, &roles)?;
    let status = send(slf, call(roles.clone()))?;
    // before the start, and after the end, nothing was said
    if status == Status::Running as u8 {
        note(&mut lock(&slf.get().said), &roles);
    }
    Ok(status)
}

/// Sends a call that only names offers; none at all send nothing.
fn answer_offers(
    slf: &Bound<'_, SchedulerHandle>,
    offers: &Bound<'_, PyAny>,
    filters: Option<&Bound<'_, PyAny>>,
    call: fn(Vec<Bytes>, Option<Bytes>) -> Call,
) -> PyResult<u8> {
    let offer_ids = offer_ids(offers)?;
    let filters = optional("filters", filters, msg::FILTERS)?;
    if offer_ids.is_empty() { unsent(slf) } else { send(slf, call(offer_ids, filters)) }
}

/// There is nothing to send: the status.
fn unsent(slf: &Bound<'_, SchedulerHandle>) -> PyResult<u8> {
    let handle = slf.as_super().get();
    handle.life.check_process()?;
    Ok(handle.life.status() as u8)
}
