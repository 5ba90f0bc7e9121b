//! What operators ask of an agent: POST /api/v1.
//!
//! # Invariants
//! * A question changes nothing.
//! * What runs in containers here is only looked at: sessions, standalone containers and resource providers are not
//!   there, and that is said.

use super::records::{Executor, Framework};
use super::{Agent, Output};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::operator::{Response as Answer, flags, not_there, version};
use crate::local::reply::Reply;
use crate::local::resources;
use crate::proto::mesos::v1::agent::call::{GetContainers, Type};
use crate::proto::mesos::v1::agent::response::{
    self, GetAgent, GetContainers as Containers, GetExecutors, GetFrameworks, GetOperations, GetState,
    GetTasks, get_containers, get_executors, get_frameworks,
};
use crate::proto::mesos::v1::agent::{Call, Response};
use crate::proto::mesos::v1::{
    AgentInfo, ContainerId, ContainerStatus, ExecutorId, Flag, FrameworkId, ResourceStatistics,
};
use crate::task::is_terminal;
use std::collections::BTreeSet;

impl Agent {
    /// A call, after `validate::agent_call`.
    pub(super) fn operate(&mut self, now: Time, request: u64, call: &Call, out: &mut Vec<Output>) {
        let reply = match (self.operator_answer(now, call), call) {
            (Some(answer), _) => Reply::Message(Answer::Agent(Box::new(answer))),
            (None, Call { set_logging_level: Some(set), .. }) if call.r#type() == Type::SetLoggingLevel => {
                self.verbosity.set(now, set.level, set.duration.nanoseconds)
            }
            _ if call.r#type() == Type::Unknown => Reply::Refused(501, "501 Not Implemented.".into()),
            // There are none.
            _ if call.r#type() == Type::PruneImages => Reply::Ok,
            _ => not_there(call.r#type().as_str_name()),
        };
        out.push(Action::Reply { request, reply }.into());
    }

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
                let state = GetState {
                    get_tasks: Some(Box::new(self.get_tasks())),
                    get_executors: Some(Box::new(self.get_executors())),
                    get_frameworks: Some(Box::new(self.get_frameworks())),
                };
                Response { get_state: Some(Box::new(state)), ..answer(Kind::GetState) }
            }
            Type::GetContainers => {
                let asked = call.get_containers.as_deref().cloned().unwrap_or_default();
                Response {
                    get_containers: Some(self.get_containers(now, &asked))
                        .filter(|all| !all.containers.is_empty()),
                    ..answer(Kind::GetContainers)
                }
            }
            Type::GetFrameworks => Response {
                get_frameworks: Some(Box::new(self.get_frameworks())),
                ..answer(Kind::GetFrameworks)
            },
            Type::GetExecutors => {
                Response { get_executors: Some(Box::new(self.get_executors())), ..answer(Kind::GetExecutors) }
            }
            Type::GetOperations => Response {
                get_operations: Some(GetOperations { operations: self.get_operations() }),
                ..answer(Kind::GetOperations)
            },
            Type::GetTasks => {
                Response { get_tasks: Some(Box::new(self.get_tasks())), ..answer(Kind::GetTasks) }
            }
            Type::GetAgent => {
                let agent = GetAgent { agent_info: Some(Box::new(self.info.clone())), ..GetAgent::default() };
                Response { get_agent: Some(Box::new(agent)), ..answer(Kind::GetAgent) }
            }
            Type::GetResourceProviders => Response {
                get_resource_providers: Some(response::GetResourceProviders::default()),
                ..answer(Kind::GetResourceProviders)
            },
            _ => return None,
        })
    }

    /// As it was when it started.
    pub(in crate::local) fn info(&self) -> &AgentInfo {
        &self.info
    }

    pub(in crate::local) fn pid(&self) -> String {
        format!("slave(1)@{}", self.address)
    }

    pub(in crate::local) fn is_down(&self) -> bool {
        self.down
    }

    pub(in crate::local) fn verbosity(&self, now: Time) -> u32 {
        self.verbosity.get(now)
    }

    /// Those that have an executor.
    pub(in crate::local) fn frameworks(&self) -> impl Iterator<Item = &Framework> {
        self.records.frameworks.values()
    }

    pub(in crate::local) fn completed_frameworks(&self) -> impl Iterator<Item = &Framework> {
        self.records.completed.iter()
    }

    fn all_frameworks(&self) -> impl Iterator<Item = &Framework> {
        self.records.frameworks.values().chain(&self.records.completed)
    }

    fn get_frameworks(&self) -> GetFrameworks {
        let view = |known: &Framework| get_frameworks::Framework {
            framework_info: Box::new(known.owner.info().clone()),
        };
        GetFrameworks {
            frameworks: self.records.frameworks.values().map(view).collect(),
            completed_frameworks: self.records.completed.iter().map(view).collect(),
        }
    }

    fn get_executors(&self) -> GetExecutors {
        let view = |known: &Executor| get_executors::Executor { executor_info: Box::new(known.info.clone()) };
        GetExecutors {
            executors: self.all_frameworks().flat_map(|known| known.executors.values()).map(view).collect(),
            completed_executors: self.all_frameworks().flat_map(|known| &known.completed).map(view).collect(),
        }
    }

    pub(super) fn get_tasks(&self) -> GetTasks {
        let waiting = self.waiting();
        let mut all = GetTasks::default();
        for known in self.all_frameworks() {
            for task in known.executors.values().flat_map(|executor| executor.tasks.values()) {
                let key = (known.owner.id().to_owned(), task.task_id.value.clone());
                let list = match task {
                    ended if is_terminal(ended.state()) => &mut all.terminated_tasks,
                    _ if waiting.contains(&key) => &mut all.queued_tasks,
                    _ => &mut all.launched_tasks,
                };
                list.push(task.clone());
            }
            // Nobody acknowledges what a framework that is shut down has not acknowledged yet.
            all.terminated_tasks.extend(known.completed.iter().flat_map(|past| past.tasks.values()).cloned());
            let executors = known.executors.values().chain(&known.completed);
            all.completed_tasks.extend(executors.flat_map(|executor| &executor.completed).cloned());
        }
        all
    }

    /// The tasks that have no process yet, or that their executor has not been given: their frameworks and ids.
    pub(in crate::local) fn waiting(&self) -> BTreeSet<(String, String)> {
        let queued = self.executors.iter().flat_map(|((framework, _), executor)| {
            let tasks = executor.queued.iter().flat_map(super::executors::Delivery::tasks);
            tasks.map(move |task| (framework.clone(), task.task_id.value.clone()))
        });
        let runs = self.runs.values().filter(|run| run.pid.is_none());
        queued.chain(runs.map(|run| (run.owner.id().to_owned(), run.task.clone()))).collect()
    }

    /// Those of executors; if asked for, also those of the tasks that run in them.
    pub(in crate::local) fn get_containers(&self, now: Time, asked: &GetContainers) -> Containers {
        let mut containers = Vec::new();
        for known in self.records.frameworks.values() {
            for executor in known.executors.values().filter(|executor| !executor.ended) {
                let id = ContainerId { value: executor.container.clone(), parent: None };
                containers.push(self.container_view(now, known, executor, id));
            }
        }
        if asked.show_nested() {
            containers.extend(self.runs.values().filter(|run| run.group.is_some()).map(|run| {
                get_containers::Container {
                    container_id: Box::new(run.container.clone()),
                    ..Default::default()
                }
            }));
        }
        Containers { containers }
    }

    fn container_view(
        &self,
        now: Time,
        framework: &Framework,
        executor: &Executor,
        id: ContainerId,
    ) -> get_containers::Container {
        let mut held = resources::of(&executor.info.resources);
        executor.tasks.values().for_each(|task| held.add(&resources::of(&task.resources)));
        let scalars = held.scalars();
        let amount = |name| scalars.get(name).copied().unwrap_or(0);
        let bytes = u64::try_from(amount("mem")).ok().map(|thousandths| thousandths * 1024 * 1024 / 1000);
        #[expect(clippy::cast_precision_loss, reason = "so does Mesos")]
        let statistics = ResourceStatistics {
            timestamp: now.as_secs_f64(),
            cpus_soft_limit: Some(amount("cpus") as f64 / 1000.0),
            mem_limit_bytes: bytes,
            mem_soft_limit_bytes: bytes,
            ..ResourceStatistics::default()
        };
        let key = (framework.owner.id(), executor.info.executor_id.value.as_str());
        let status = ContainerStatus {
            container_id: Some(Box::new(id.clone())),
            executor_pid: self.pid_of(key),
            ..ContainerStatus::default()
        };
        get_containers::Container {
            framework_id: Some(FrameworkId { value: key.0.into() }),
            executor_id: Some(ExecutorId { value: key.1.into() }),
            executor_name: Some(executor.info.name().to_owned()),
            container_id: Box::new(id),
            container_status: Some(Box::new(status)),
            resource_statistics: Some(Box::new(statistics)),
        }
    }

    /// The process of an executor, or of the command that runs in its place.
    fn pid_of(&self, (framework, executor): (&str, &str)) -> Option<u32> {
        let own = self.executors.get(&(framework.to_owned(), executor.to_owned()));
        let command = || {
            let of = |run: &&super::Run| run.owner.id() == framework && run.executor == executor;
            self.runs.values().find(of)?.pid
        };
        own.and_then(|executor| executor.pid).or_else(command)
    }

    pub(in crate::local) fn flags(&self) -> Vec<Flag> {
        let own = |text: &str| text.to_owned();
        flags(&[
            ("authenticate_http_executors", own("false")),
            ("authenticate_http_readonly", own("false")),
            ("authenticate_http_readwrite", own("false")),
            ("executor_registration_timeout", own("1mins")),
            ("executor_reregistration_timeout", own("2secs")),
            ("executor_shutdown_grace_period", own("5secs")),
            ("hostname", self.info.hostname.clone()),
            ("ip", self.address.ip().to_string()),
            ("launcher", own("posix")),
            ("port", self.address.port().to_string()),
            ("recover", own("reconnect")),
            ("resources", resources::describe(&self.info.resources)),
        ])
    }
}
