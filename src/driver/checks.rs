//! The last look at what is about to be sent: what Mesos would refuse for certain raises here, in Mesos' words.
//!
//! # Invariants
//! * An error names the argument or the task. Nothing was sent.
//! * What is sent are the user's bytes: the structs are made to be looked at, and dropped. Text that is not UTF-8,
//!   which Mesos takes and the structs do not, is not looked at.

use crate::backend::Subscription;
use crate::error::Error;
use crate::event::Call;
use crate::exceptions::EncodeError;
use crate::proto::mesos::v1::offer::{Operation, operation::Type};
use crate::proto::mesos::v1::scheduler::OfferConstraints;
use crate::proto::mesos::v1::{FrameworkInfo, TaskInfo};
use crate::validate::{self, Checked};
use crate::wire::{field, last_bytes};
use bytes::Bytes;
use prost::Message;
use pyo3::prelude::*;
use std::collections::HashSet;

/// `Offer.Operation`s of one call, of the framework with this `FrameworkID`, if it is known.
pub(super) fn operations(operations: &[Bytes], framework_id: Option<&Bytes>) -> PyResult<()> {
    let framework_id = framework_id.and_then(|id| last_bytes(id, field::framework_id::VALUE));
    let framework_id = framework_id.and_then(|id| std::str::from_utf8(id).ok());
    let mut ids = HashSet::new();
    for (at, bytes) in operations.iter().enumerate() {
        let Some(operation) = decoded::<Operation>(bytes) else { continue };
        let name = || format!("operations: number {at}, {}", operation.r#type().as_str_name());
        refuse(validate::operation(&operation), name)?;
        let tasks = match operation.r#type() {
            Type::Launch => operation.launch.as_ref().map_or(&[][..], |launch| &launch.task_infos),
            Type::LaunchGroup => {
                let Some(group) = operation.launch_group.as_deref() else { continue };
                refuse(validate::group(group, framework_id), name)?;
                &group.task_group.tasks
            }
            _ => continue,
        };
        for one in tasks {
            let name = || format!("task {:?}", one.task_id.value);
            if operation.r#type() == Type::Launch {
                refuse(task(one, framework_id), name)?;
            }
            if !ids.insert(one.task_id.value.clone()) {
                refuse(Err("another task of this call has the same id".into()), name)?;
            }
        }
    }
    Ok(())
}

/// A task of a LAUNCH.
fn task(task: &TaskInfo, framework_id: Option<&str>) -> Checked {
    validate::id(&task.task_id.value)?;
    validate::task(task)?;
    validate::command_or_executor(task, framework_id)
}

/// The acknowledgement of an update.
pub(super) fn acknowledgement(call: &Call) -> PyResult<()> {
    match call {
        Call::AcknowledgeOperation { agent_id: None, .. } => {
            Err(EncodeError::new_err("status.agent_id: it is not set; Mesos asks for it"))
        }
        Call::Acknowledge { uuid, .. } | Call::AcknowledgeOperation { uuid, .. } => {
            refuse(validate::uuid(uuid), || "status.uuid".into())
        }
        _ => Ok(()),
    }
}

/// What a framework subscribes with.
pub(super) fn subscription(subscription: &Subscription) -> Result<(), Error> {
    let Subscription { framework, suppressed_roles: suppressed, offer_constraints } = subscription;
    let wrong = |argument: &'static str| {
        move |words| Error::Configuration(format!("{argument}: Mesos would refuse it: {words}"))
    };
    if let Some(info) = decoded::<FrameworkInfo>(framework) {
        validate::framework(&info).map_err(wrong("framework"))?;
        validate::suppressed_roles(&info, suppressed).map_err(wrong("suppressed_roles"))?;
    }
    if let Some(constraints) = offer_constraints.as_ref().and_then(decoded::<OfferConstraints>) {
        validate::offer_constraints(&constraints).map_err(wrong("offer_constraints"))?;
    }
    Ok(())
}

/// What may not change in a `FrameworkInfo`.
pub(super) fn framework_update(old: &Bytes, new: &Bytes) -> PyResult<()> {
    let (Some(old), Some(new)) = (decoded(old), decoded(new)) else { return Ok(()) };
    refuse(validate::framework_update(&old, &new), || "framework".into())
}

/// The roles of a REVIVE or SUPPRESS of the framework that says this `FrameworkInfo`.
pub(super) fn subscribed_roles(framework: &Bytes, roles: &[String]) -> PyResult<()> {
    let Some(info) = decoded(framework) else { return Ok(()) };
    refuse(validate::subscribed_roles(&info, roles), || "roles".into())
}

fn decoded<M: Message + Default>(bytes: &Bytes) -> Option<M> {
    M::decode(&bytes[..]).ok()
}

fn refuse(checked: Checked, name: impl Fn() -> String) -> PyResult<()> {
    checked.map_err(|words| EncodeError::new_err(format!("{}: Mesos would refuse it: {words}", name())))
}
