//! What operators ask of the master: POST /api/v1.
//!
//! `views.rs` answers questions, `watch.rs` has the stream of events, `resources.rs` reserves and makes volumes,
//! `weights.rs`, `quotas.rs` and `maintenance.rs` decide with the allocator who is offered what, `draining.rs` which agents
//! are offered at all.
//!
//! # Invariants
//! * A question changes nothing.
//! * What is refused is refused with Mesos' codes and words.

mod draining;
mod maintenance;
mod quotas;
mod resources;
mod views;
mod watch;
mod weights;

use super::{Master, Output, Reply};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::operator::{Response as Answer, not_there, version};
use crate::proto::mesos::v1::master::call::Type;
use crate::proto::mesos::v1::master::{Call, Response, response};
pub(super) use draining::Drain;
pub(super) use maintenance::Maintenance;
pub(super) use watch::Watcher;

impl Master {
    /// A call, after `validate::master_call`.
    pub(super) fn operate(&mut self, now: Time, request: u64, call: Call) {
        if call.r#type() == Type::Subscribe {
            return self.watch(now, request);
        }
        let reply = match self.operator_answer(now, &call) {
            Some(answer) => Reply::Message(Answer::Master(Box::new(answer))),
            None => self.operator_order(now, call),
        };
        self.out.push(Action::Reply { request, reply }.into());
    }

    pub(in crate::local) fn verbosity(&self, now: Time) -> u32 {
        self.verbosity.get(now)
    }

    pub(in crate::local) fn unreachable_count(&self) -> usize {
        self.unreachable.len()
    }

    /// The answer to a question.
    fn operator_answer(&self, now: Time, call: &Call) -> Option<Response> {
        use response::Type as Kind;
        let answer = |kind: Kind| Response { r#type: Some(kind.into()), ..Response::default() };
        Some(match call.r#type() {
            Type::GetHealth => Response {
                get_health: Some(response::GetHealth { healthy: true }),
                ..answer(Kind::GetHealth)
            },
            Type::GetFlags => Response {
                get_flags: Some(response::GetFlags { flags: self.flags() }),
                ..answer(Kind::GetFlags)
            },
            Type::GetVersion => Response {
                get_version: Some(response::GetVersion { version_info: Box::new(version()) }),
                ..answer(Kind::GetVersion)
            },
            Type::GetMetrics => Response {
                get_metrics: Some(response::GetMetrics { metrics: self.metrics(now) }),
                ..answer(Kind::GetMetrics)
            },
            Type::GetLoggingLevel => Response {
                get_logging_level: Some(response::GetLoggingLevel { level: self.verbosity.get(now) }),
                ..answer(Kind::GetLoggingLevel)
            },
            Type::GetState => {
                Response { get_state: Some(Box::new(self.get_state())), ..answer(Kind::GetState) }
            }
            Type::GetAgents => {
                Response { get_agents: Some(Box::new(self.get_agents())), ..answer(Kind::GetAgents) }
            }
            Type::GetFrameworks => Response {
                get_frameworks: Some(Box::new(self.get_frameworks())),
                ..answer(Kind::GetFrameworks)
            },
            Type::GetExecutors => {
                Response { get_executors: Some(Box::new(self.get_executors())), ..answer(Kind::GetExecutors) }
            }
            Type::GetOperations => {
                Response { get_operations: Some(self.get_operations()), ..answer(Kind::GetOperations) }
            }
            Type::GetTasks => {
                Response { get_tasks: Some(Box::new(self.get_tasks())), ..answer(Kind::GetTasks) }
            }
            Type::GetRoles => Response { get_roles: Some(self.get_roles()), ..answer(Kind::GetRoles) },
            Type::GetMaster => {
                Response { get_master: Some(Box::new(self.get_master())), ..answer(Kind::GetMaster) }
            }
            Type::GetWeights => {
                Response { get_weights: Some(self.get_weights()), ..answer(Kind::GetWeights) }
            }
            Type::GetQuota => Response { get_quota: Some(self.get_quota()), ..answer(Kind::GetQuota) },
            Type::GetMaintenanceSchedule => {
                let schedule = self.maintenance.schedule.clone();
                let get_maintenance_schedule = Some(response::GetMaintenanceSchedule { schedule });
                Response { get_maintenance_schedule, ..answer(Kind::GetMaintenanceSchedule) }
            }
            Type::GetMaintenanceStatus => {
                let status = Box::new(self.maintenance_status());
                let get_maintenance_status = Some(response::GetMaintenanceStatus { status });
                Response { get_maintenance_status, ..answer(Kind::GetMaintenanceStatus) }
            }
            _ => return None,
        })
    }

    /// What changes something, or is not there.
    fn operator_order(&mut self, now: Time, call: Call) -> Reply {
        match (call.r#type(), call) {
            (Type::SetLoggingLevel, Call { set_logging_level: Some(set), .. }) => {
                self.verbosity.set(now, set.level, set.duration.nanoseconds)
            }
            (Type::Teardown, Call { teardown: Some(teardown), .. }) => {
                let id = teardown.framework_id.value;
                if !self.frameworks.contains_key(&id) {
                    return Reply::Refused(400, "No framework found with specified ID".into());
                }
                self.remove_framework(now, &id);
                Reply::Ok
            }
            (Type::MarkAgentGone, Call { mark_agent_gone: Some(mark), .. }) => {
                self.mark_gone(mark.agent_id.value)
            }
            (Type::ReserveResources, Call { reserve_resources: Some(call), .. }) => self.reserve(now, *call),
            (Type::UnreserveResources, Call { unreserve_resources: Some(call), .. }) => {
                self.unreserve(now, *call)
            }
            (Type::CreateVolumes, Call { create_volumes: Some(call), .. }) => self.create_volumes(now, *call),
            (Type::DestroyVolumes, Call { destroy_volumes: Some(call), .. }) => {
                self.destroy_volumes(now, *call)
            }
            (Type::GrowVolume, Call { grow_volume: Some(call), .. }) => self.grow_volume(now, *call),
            (Type::ShrinkVolume, Call { shrink_volume: Some(call), .. }) => self.shrink_volume(now, *call),
            (Type::UpdateWeights, Call { update_weights: Some(update), .. }) => {
                self.update_weights(now, update)
            }
            (Type::UpdateQuota, Call { update_quota: Some(update), .. }) => self.update_quota(now, &update),
            (Type::UpdateMaintenanceSchedule, Call { update_maintenance_schedule: Some(update), .. }) => {
                self.update_schedule(now, update.schedule)
            }
            (Type::StartMaintenance, Call { start_maintenance: Some(call), .. }) => {
                self.start_maintenance(call.machines)
            }
            (Type::StopMaintenance, Call { stop_maintenance: Some(call), .. }) => {
                self.stop_maintenance(&call.machines)
            }
            (Type::DrainAgent, Call { drain_agent: Some(call), .. }) => self.drain_agent(now, *call),
            (Type::DeactivateAgent, Call { deactivate_agent: Some(call), .. }) => {
                self.deactivate_agent(now, &call.agent_id.value)
            }
            (Type::ReactivateAgent, Call { reactivate_agent: Some(call), .. }) => {
                self.reactivate_agent(now, &call.agent_id.value)
            }
            (Type::Unknown, _) => Reply::Refused(501, "501 Not Implemented.".into()),
            (other, _) => not_there(other.as_str_name()),
        }
    }

    fn mark_gone(&mut self, agent: String) -> Reply {
        if self.gone.contains(&agent) {
            return Reply::Ok;
        }
        if !self.agents.contains_key(&agent) && !self.unreachable.contains_key(&agent) {
            return Reply::Refused(404, format!("Agent '{agent}' not found"));
        }
        self.out.push(Output::Gone { agent });
        Reply::Ok
    }
}
