//! An executor as tests play it: what it calls its agent with, and what it is told.

use super::*;
use crate::local::token::Claims;
use crate::proto::mesos::v1::executor::{Call as ExecutorCall, call as executor_call, event::Type as Told};
use crate::proto::mesos::v1::task_status::Source;
use crate::proto::mesos::v1::{ExecutorId, ExecutorInfo};

/// The executor's side of one agent's API.
pub(super) struct Worker {
    pub(super) stream: u64,
    pub(super) framework: String,
    executor: String,
    /// of its token
    pub(super) claims: Option<Claims>,
}

/// The task, run by an executor in place of a command.
pub(super) fn by(mut task: TaskInfo, executor: ExecutorInfo) -> TaskInfo {
    task.command = None;
    task.executor = Some(Box::new(executor));
    task
}

/// An executor with half a processor and 32 MB.
pub(super) fn executor(id: &str) -> ExecutorInfo {
    let mut resources = resources::to_proto(&resources::parse("cpus:0.5;mem:32").unwrap(), "*");
    resources.iter_mut().for_each(|resource| resource.allocation_info = None);
    ExecutorInfo {
        executor_id: ExecutorId { value: id.into() },
        command: Some(Box::new(CommandInfo { value: Some("./executor".into()), ..CommandInfo::default() })),
        resources,
        ..ExecutorInfo::default()
    }
}

impl Worker {
    pub(super) fn new(client: &Client, executor: &str) -> Self {
        Self { stream: 0, framework: client.framework.clone(), executor: executor.into(), claims: None }
    }

    pub(super) fn call(&self, sim: &mut Sim, r#type: executor_call::Type, mut call: ExecutorCall) -> Reply {
        sim.requests += 1;
        call.framework_id = FrameworkId { value: self.framework.clone() };
        call.executor_id = ExecutorId { value: self.executor.clone() };
        call.set_type(r#type);
        let request = sim.requests;
        let claims = self.claims.clone();
        sim.input(Input::ExecutorCall { agent: 0, request, call: Box::new(call), claims });
        sim.replies.remove(&request).expect("an answer")
    }

    pub(super) fn subscribe(&mut self, sim: &mut Sim, tasks: &[&str], updates: Vec<TaskStatus>) -> Reply {
        let task = |id: &&str| TaskInfo { task_id: TaskId { value: (*id).into() }, ..TaskInfo::default() };
        let update = |status| executor_call::Update { status: Box::new(status) };
        let subscribe = executor_call::Subscribe {
            unacknowledged_tasks: tasks.iter().map(task).collect(),
            unacknowledged_updates: updates.into_iter().map(update).collect(),
        };
        let call = ExecutorCall { subscribe: Some(Box::new(subscribe)), ..ExecutorCall::default() };
        let reply = self.call(sim, executor_call::Type::Subscribe, call);
        self.stream = sim.requests;
        reply
    }

    pub(super) fn told(&self, sim: &mut Sim) -> Vec<executor::Event> {
        sim.told.remove(&self.stream).unwrap_or_default()
    }

    pub(super) fn types(&self, sim: &mut Sim) -> Vec<Told> {
        self.told(sim).iter().map(executor::Event::r#type).collect()
    }

    pub(super) fn status(task: &str, state: TaskState, uuid: u8) -> TaskStatus {
        let mut bytes = [uuid; 16];
        bytes[6] = 0x40;
        let mut status = TaskStatus {
            task_id: TaskId { value: task.into() },
            uuid: Some(bytes.to_vec().into()),
            ..TaskStatus::default()
        };
        status.set_state(state);
        status.set_source(Source::Executor);
        status
    }

    pub(super) fn update(&self, sim: &mut Sim, task: &str, state: TaskState, uuid: u8) {
        let update = executor_call::Update { status: Box::new(Self::status(task, state, uuid)) };
        let call = ExecutorCall { update: Some(update), ..ExecutorCall::default() };
        assert_eq!(self.call(sim, executor_call::Type::Update, call), Reply::Accepted);
    }
}
