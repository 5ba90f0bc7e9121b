//! Calls of operators before anything is known about the cluster: what a call needs to be one.

use crate::local::resources::check;
use crate::proto::mesos::v1::agent::{self, call::Type as AgentType};
use crate::proto::mesos::v1::master::{self, call::Type};
use crate::validate::Checked;

/// The name of the field that a type of call needs, and whether it is there.
type Body = (&'static str, bool);

fn present((name, is_present): Body) -> Checked {
    if is_present { Ok(()) } else { Err(format!("Expecting '{name}' to be present")) }
}

pub(crate) fn master_call(call: &master::Call) -> Checked {
    let Some(Ok(r#type)) = call.r#type.map(Type::try_from) else {
        return Err("Expecting 'type' to be present".into());
    };
    present(master_body(r#type, call))?;
    let on_agent = [
        call.grow_volume.as_ref().map(|grow| grow.agent_id.is_some()),
        call.shrink_volume.as_ref().map(|shrink| shrink.agent_id.is_some()),
    ];
    let words = "Expecting 'agent_id' to be present; only agent default resources are supported right now";
    if on_agent.contains(&Some(false)) {
        return Err(words.into());
    }
    let reserved = call.reserve_resources.as_ref().map(|call| &call.resources);
    let unreserved = call.unreserve_resources.as_ref().map(|call| &call.resources);
    match reserved.into_iter().chain(unreserved).flatten().find_map(check) {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

#[expect(deprecated, reason = "they can be asked for")]
fn master_body(r#type: Type, call: &master::Call) -> Body {
    match r#type {
        Type::GetMetrics => ("get_metrics", call.get_metrics.is_some()),
        Type::SetLoggingLevel => ("set_logging_level", call.set_logging_level.is_some()),
        Type::ListFiles => ("list_files", call.list_files.is_some()),
        Type::ReadFile => ("read_file", call.read_file.is_some()),
        Type::UpdateWeights => ("update_weights", call.update_weights.is_some()),
        Type::ReserveResources => ("reserve_resources", call.reserve_resources.is_some()),
        Type::UnreserveResources => ("unreserve_resources", call.unreserve_resources.is_some()),
        Type::CreateVolumes => ("create_volumes", call.create_volumes.is_some()),
        Type::DestroyVolumes => ("destroy_volumes", call.destroy_volumes.is_some()),
        Type::GrowVolume => ("grow_volume", call.grow_volume.is_some()),
        Type::ShrinkVolume => ("shrink_volume", call.shrink_volume.is_some()),
        Type::UpdateMaintenanceSchedule => {
            ("update_maintenance_schedule", call.update_maintenance_schedule.is_some())
        }
        Type::StartMaintenance => ("start_maintenance", call.start_maintenance.is_some()),
        Type::StopMaintenance => ("stop_maintenance", call.stop_maintenance.is_some()),
        Type::DrainAgent => ("drain_agent", call.drain_agent.is_some()),
        Type::DeactivateAgent => ("deactivate_agent", call.deactivate_agent.is_some()),
        Type::ReactivateAgent => ("reactivate_agent", call.reactivate_agent.is_some()),
        Type::UpdateQuota => ("update_quota", call.update_quota.is_some()),
        Type::SetQuota => ("set_quota", call.set_quota.is_some()),
        Type::RemoveQuota => ("remove_quota", call.remove_quota.is_some()),
        Type::Teardown => ("teardown", call.teardown.is_some()),
        Type::MarkAgentGone => ("mark_agent_gone", call.mark_agent_gone.is_some()),
        _ => ("", true),
    }
}

pub(crate) fn agent_call(call: &agent::Call) -> Checked {
    let Some(Ok(r#type)) = call.r#type.map(AgentType::try_from) else {
        return Err("Expecting 'type' to be present".into());
    };
    present(agent_body(r#type, call))
}

#[expect(deprecated, reason = "they can be asked for")]
fn agent_body(r#type: AgentType, call: &agent::Call) -> Body {
    match r#type {
        AgentType::GetMetrics => ("get_metrics", call.get_metrics.is_some()),
        AgentType::SetLoggingLevel => ("set_logging_level", call.set_logging_level.is_some()),
        AgentType::ListFiles => ("list_files", call.list_files.is_some()),
        AgentType::ReadFile => ("read_file", call.read_file.is_some()),
        AgentType::LaunchNestedContainer => {
            ("launch_nested_container", call.launch_nested_container.is_some())
        }
        AgentType::WaitNestedContainer => ("wait_nested_container", call.wait_nested_container.is_some()),
        AgentType::KillNestedContainer => ("kill_nested_container", call.kill_nested_container.is_some()),
        AgentType::RemoveNestedContainer => {
            ("remove_nested_container", call.remove_nested_container.is_some())
        }
        AgentType::LaunchNestedContainerSession => {
            ("launch_nested_container_session", call.launch_nested_container_session.is_some())
        }
        AgentType::AttachContainerInput => ("attach_container_input", call.attach_container_input.is_some()),
        AgentType::AttachContainerOutput => {
            ("attach_container_output", call.attach_container_output.is_some())
        }
        AgentType::LaunchContainer => ("launch_container", call.launch_container.is_some()),
        AgentType::WaitContainer => ("wait_container", call.wait_container.is_some()),
        AgentType::KillContainer => ("kill_container", call.kill_container.is_some()),
        AgentType::RemoveContainer => ("remove_container", call.remove_container.is_some()),
        _ => ("", true),
    }
}
