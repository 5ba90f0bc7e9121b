//! What an agent refuses of the calls of executors.

use crate::proto::mesos::v1::TaskState;
use crate::proto::mesos::v1::executor::Call;
use crate::proto::mesos::v1::executor::call::Type;
use crate::proto::mesos::v1::task_status::Source;
use crate::validate::{Checked, uuid};

/// A call of an executor before anything is known about it.
pub(crate) fn call(call: &Call) -> Checked {
    let Some(Ok(r#type)) = call.r#type.map(Type::try_from) else {
        return Err("Expecting 'type' to be present".into());
    };
    let missing = match r#type {
        Type::Subscribe if call.subscribe.is_none() => "subscribe",
        Type::Update if call.update.is_none() => "update",
        Type::Message if call.message.is_none() => "message",
        _ => "",
    };
    if !missing.is_empty() {
        return Err(format!("Expecting '{missing}' to be present"));
    }
    let Some(status) = call.update.as_ref().map(|update| &update.status).filter(|_| r#type == Type::Update)
    else {
        return Ok(());
    };
    uuid(status.uuid.as_ref().ok_or("Expecting 'uuid' to be present")?)?;
    let (own, framework) = (&call.executor_id.value, &call.framework_id.value);
    if let Some(other) = status.executor_id.as_ref().filter(|other| other.value != *own) {
        return Err(format!(
            "ExecutorID in Call: {own} does not match ExecutorID in TaskStatus: {}",
            other.value
        ));
    }
    if status.source() != Source::Executor {
        return Err(format!(
            "Received Call from executor {own} of framework {framework} with invalid source, expecting \
             'SOURCE_EXECUTOR'"
        ));
    }
    if status.state() == TaskState::TaskStaging {
        return Err(format!(
            "Received TASK_STAGING from executor {own} of framework {framework} which is not allowed"
        ));
    }
    Ok(())
}
