//! Statuses that an agent makes or completes.

use super::{Agent, Output, Owner, Reason, Source, TaskState, sent};
use crate::local::clock::Time;
use crate::proto::mesos::v1::{
    AgentId, ContainerId, ContainerStatus, ExecutorId, NetworkInfo, TaskId, TaskStatus, network_info,
};

impl Agent {
    /// What the agent itself has to say of a task.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of a status")]
    pub(super) fn say(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        executor: Option<&str>,
        state: TaskState,
        reason: Reason,
        message: &str,
        out: &mut Vec<Output>,
    ) {
        let mut status = self.status(now, task, executor, state);
        status.message = Some(message.into());
        status.set_reason(reason);
        status.set_source(Source::Agent);
        self.queue(now, owner.id(), status, out);
    }

    /// Sees to it that the framework hears of a status, once what was said before it is acknowledged.
    pub(super) fn queue(
        &mut self,
        now: Time,
        framework: &str,
        mut status: TaskStatus,
        out: &mut Vec<Output>,
    ) {
        self.explain(framework, &mut status);
        self.records.status(framework, &status);
        out.extend(self.updates.push(now, framework, status).map(sent));
    }

    /// A status as an executor sends it.
    pub(super) fn status(
        &mut self,
        now: Time,
        task: &str,
        executor: Option<&str>,
        state: TaskState,
    ) -> TaskStatus {
        let mut status = TaskStatus {
            task_id: TaskId { value: task.into() },
            agent_id: Some(AgentId { value: self.id().into() }),
            executor_id: executor.map(|executor| ExecutorId { value: executor.into() }),
            timestamp: Some(now.as_secs_f64()),
            uuid: Some(self.entropy.uuid().to_vec().into()),
            ..TaskStatus::default()
        };
        status.set_state(state);
        status.set_source(Source::Executor);
        status
    }

    /// What is known of a container, and of its network only while it runs.
    pub(super) fn container(&self, id: ContainerId, pid: Option<u32>) -> ContainerStatus {
        let ip = Some(self.address.ip().to_string());
        let address = network_info::IpAddress { ip_address: ip, protocol: Some(1) };
        ContainerStatus {
            container_id: Some(Box::new(id)),
            network_infos: vec![NetworkInfo { ip_addresses: vec![address], ..NetworkInfo::default() }],
            executor_pid: pid,
            ..ContainerStatus::default()
        }
    }
}
