//! LAUNCH and LAUNCH_GROUP: what of them goes to an agent, and what is refused.
//!
//! # Invariants
//! * A task is refused by itself, a group as a whole.
//! * What goes to an agent is known to the master before, and its resources are taken from the offer.

use super::offers::Place;
use super::{Master, Task, agent};
use crate::local::clock::Time;
use crate::local::resources::{self, Resources};
use crate::local::validate;
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::{LaunchGroup, Type};
use crate::proto::mesos::v1::resource::AllocationInfo;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{FrameworkId, Resource, TaskInfo, TaskState};

/// Who launches, and where.
#[derive(Clone, Copy)]
pub(super) struct Launching<'a> {
    pub(super) framework: &'a str,
    pub(super) place: &'a Place,
}

impl Master {
    pub(super) fn launch(
        &mut self,
        now: Time,
        framework: &str,
        place: &Place,
        operation: Operation,
        remaining: &mut Resources,
    ) {
        let tasks = operation.launch.map(|launch| launch.task_infos).unwrap_or_default();
        if operation.id.is_some() {
            let why = "The `id` field cannot be set on LAUNCH operations";
            return self.refuse_tasks(now, framework, &tasks, Reason::TaskInvalid, why);
        }
        let at = Launching { framework, place };
        for mut task in tasks {
            allocate(&mut task.resources, &place.role);
            if let Some(executor) = &mut task.executor {
                allocate(&mut executor.resources, &place.role);
                // Only here; a group's executor has to name it.
                executor.framework_id.get_or_insert(FrameworkId { value: framework.into() });
            }
            if let Err(why) = self.check_task(&at, &task, remaining) {
                self.refuse_tasks(now, framework, &[task], Reason::TaskInvalid, &why);
                continue;
            }
            if let Some(executor) = task.executor.as_deref() {
                remaining.subtract(&self.new_resources(&at, executor));
                self.note_executor(&at, executor);
            }
            let executor = task.executor.as_ref().map(|executor| executor.executor_id.value.clone());
            self.note_task(&at, &task, executor, remaining);
            let Some(owner) = self.frameworks.get(framework).map(super::Framework::owner) else { return };
            self.tell_agent(&place.agent, agent::Input::Run { owner, task: Box::new(task) });
        }
    }

    fn check_task(&self, at: &Launching<'_>, task: &TaskInfo, available: &Resources) -> Result<(), String> {
        validate::task(task, &at.place.agent, at.framework, self.is_duplicate(at, task))?;
        let mut total = resources::of(&task.resources);
        if let Some(executor) = task.executor.as_deref() {
            validate::compatible(executor, self.executor(at, &executor.executor_id.value))?;
            total.add(&self.new_resources(at, executor));
        }
        if !fits(all_resources(task), &total, &at.place.role, available) {
            return Err(format!(
                "Total resources {} required by task and its executor is more than available {}",
                resources::describe(&resources::to_proto(&total, &at.place.role)),
                resources::describe(&resources::to_proto(available, &at.place.role))
            ));
        }
        validate::not_yet(task)
    }

    pub(super) fn launch_group(
        &mut self,
        now: Time,
        framework: &str,
        place: &Place,
        operation: Operation,
        remaining: &mut Resources,
    ) {
        let Some(mut group) = operation.launch_group else { return };
        let tasks = &group.task_group.tasks;
        if operation.id.is_some() {
            let why = "The `id` field cannot be set on LAUNCH_GROUP operations";
            return self.refuse_tasks(now, framework, tasks, Reason::TaskGroupInvalid, why);
        }
        allocate(&mut group.executor.resources, &place.role);
        for task in &mut group.task_group.tasks {
            allocate(&mut task.resources, &place.role);
        }
        let at = Launching { framework, place };
        if let Err(why) = self.check_group(&at, &group, remaining) {
            return self.refuse_tasks(
                now,
                framework,
                &group.task_group.tasks,
                Reason::TaskGroupInvalid,
                &why,
            );
        }
        let (executor, mut tasks) = (group.executor, group.task_group.tasks);
        remaining.subtract(&self.new_resources(&at, &executor));
        self.note_executor(&at, &executor);
        for task in &mut tasks {
            self.note_task(&at, task, Some(executor.executor_id.value.clone()), remaining);
            // What Mesos does, so that whoever has the task knows its executor.
            task.executor = Some(executor.clone());
        }
        let Some(owner) = self.frameworks.get(framework).map(super::Framework::owner) else { return };
        self.tell_agent(&place.agent, agent::Input::RunGroup { owner, executor, tasks });
    }

    fn check_group(
        &self,
        at: &Launching<'_>,
        group: &LaunchGroup,
        available: &Resources,
    ) -> Result<(), String> {
        let (executor, tasks) = (&*group.executor, &group.task_group.tasks);
        validate::group(group, &at.place.agent, at.framework, |task| self.is_duplicate(at, task))?;
        validate::compatible(executor, self.executor(at, &executor.executor_id.value))?;
        let mut total = self.new_resources(at, executor);
        tasks.iter().for_each(|task| total.add(&resources::of(&task.resources)));
        let all = tasks.iter().flat_map(all_resources).chain(&executor.resources);
        if !fits(all, &total, &at.place.role, available) {
            return Err(format!(
                "Total resources {} required by task group and its executor are more than available {}",
                resources::describe(&resources::to_proto(&total, &at.place.role)),
                resources::describe(&resources::to_proto(available, &at.place.role))
            ));
        }
        tasks.iter().try_for_each(validate::not_yet)
    }

    fn is_duplicate(&self, at: &Launching<'_>, task: &TaskInfo) -> bool {
        let framework = self.frameworks.get(at.framework);
        framework.is_some_and(|framework| framework.tasks.contains_key(&task.task_id.value))
    }

    /// The task is the framework's from now on, and has its resources.
    fn note_task(
        &mut self,
        at: &Launching<'_>,
        task: &TaskInfo,
        executor: Option<String>,
        remaining: &mut Resources,
    ) {
        let known = Task::new(task, at.framework, executor, &at.place.role);
        remaining.subtract(&known.resources);
        if let Some(framework) = self.frameworks.get_mut(at.framework) {
            let seen = known.seen.clone();
            framework.tasks.insert(task.task_id.value.clone(), known);
            self.task_added(&seen);
        }
    }

    /// One bad resource spoils the whole operation.
    pub(super) fn refuse_invalid(&mut self, now: Time, framework: &str, operation: Operation, why: String) {
        match operation.r#type() {
            Type::Launch => {
                let tasks = operation.launch.map(|launch| launch.task_infos).unwrap_or_default();
                self.refuse_tasks(now, framework, &tasks, Reason::TaskInvalid, &why);
            }
            Type::LaunchGroup => {
                let group = operation.launch_group.map(|launch| launch.task_group);
                let tasks = group.map(|group| group.tasks).unwrap_or_default();
                self.refuse_tasks(now, framework, &tasks, Reason::TaskGroupInvalid, &why);
            }
            _ => {
                let why = format!("Operation attempted with invalid resources: {why}");
                self.refuse_operation(framework, operation, why);
            }
        }
    }

    pub(super) fn refuse_tasks(
        &mut self,
        now: Time,
        framework: &str,
        tasks: &[TaskInfo],
        reason: Reason,
        why: &str,
    ) {
        for task in tasks {
            let agent = Some(task.agent_id.value.as_str());
            self.say(now, framework, &task.task_id.value, agent, TaskState::TaskError, reason, why.into());
        }
    }
}

/// All resources that a LAUNCH or a LAUNCH_GROUP names.
pub(super) fn launched(operation: &Operation) -> Vec<Resource> {
    let tasks = operation.launch.iter().flat_map(|launch| &launch.task_infos);
    let group = operation.launch_group.iter();
    let members = group.clone().flat_map(|launch| &launch.task_group.tasks);
    let executor = group.flat_map(|launch| &launch.executor.resources);
    tasks.chain(members).flat_map(all_resources).chain(executor).cloned().collect()
}

fn all_resources(task: &TaskInfo) -> impl Iterator<Item = &Resource> {
    task.resources.iter().chain(task.executor.iter().flat_map(|executor| &executor.resources))
}

/// Resources are those of the role that was offered, unless they say otherwise.
fn allocate(resources: &mut [Resource], role: &str) {
    for resource in resources {
        resource.allocation_info.get_or_insert(AllocationInfo { role: Some(role.into()) });
    }
}

/// Whether everything is allocated to the role, and there.
fn fits<'a>(
    mut all: impl Iterator<Item = &'a Resource>,
    total: &Resources,
    role: &str,
    available: &Resources,
) -> bool {
    let own = |resource: &Resource| {
        resource.allocation_info.as_ref().is_none_or(|allocation| allocation.role() == role)
    };
    all.all(own) && available.contains(total)
}
