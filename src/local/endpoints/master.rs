//! What tools read of a master: `/state`, `/slaves`, `/frameworks`, `/tasks`.
//!
//! The same that the operator API tells (GET_STATE and others), in another form.

use super::model::{self, Object, amounts, fields, full, put, seconds};
use super::{Page, Query};
use crate::local::master::Master;
use crate::local::operator;
use crate::proto::mesos::v1::framework_info::Capability;
use crate::proto::mesos::v1::master::response::get_agents::Agent;
use crate::proto::mesos::v1::master::response::get_frameworks::Framework;
use crate::proto::mesos::v1::{
    Attribute, Flag, FrameworkInfo, Offer, Task, VersionInfo, framework_info, value,
};
use crate::validate;
use crate::wire::msg;
use serde_json::{Value, json};

/// How many tasks are listed if nobody says.
const TASKS: usize = 100;

/// All that is known.
pub(super) fn state(master: &Master) -> Page {
    let known = master.get_master();
    let info = known.master_info.as_deref().cloned().unwrap_or_default();
    let agents = master.get_agents().agents;
    let active = agents.iter().filter(|agent| agent.active).count();
    let mut object = version(&operator::version());
    let frameworks = Frameworks::new(master);
    object.extend(fields(json!({
        "id": info.id,
        "pid": info.pid,
        "hostname": info.hostname,
        "capabilities": info.capabilities.iter().map(|it| it.r#type().as_str_name()).collect::<Value>(),
        "start_time": known.start_time,
        "elected_time": known.elected_time,
        "leader": info.pid,
        "leader_info": {"id": info.id, "pid": info.pid, "port": info.port, "hostname": info.hostname},
        "flags": flags(&master.flags()),
        "activated_slaves": active as f64,
        "deactivated_slaves": (agents.len() - active) as f64,
        "unreachable_slaves": master.unreachable_count() as f64,
        "slaves": agents.iter().map(agent).collect::<Value>(),
        "recovered_slaves": [],
        "frameworks": frameworks.current(|_| true),
        "completed_frameworks": frameworks.completed(|_| true),
        "orphan_tasks": [],
        "unregistered_frameworks": [],
    })));
    Page::Json(Value::from(object).to_string())
}

/// Agents, with the messages of their resources.
pub(super) fn slaves(master: &Master, query: &Query) -> Page {
    let chosen = |agent: &&Agent| query.selects("slave_id", agent_id(agent));
    let agents = master.get_agents().agents;
    let slaves = agents.iter().filter(chosen).map(|known| {
        let mut object = fields(agent(known));
        let (reserved, unreserved) = model::parted(&known.total_resources);
        object.insert("reserved_resources_full".into(), model::by_role(&reserved, full));
        object.insert("unreserved_resources_full".into(), full(&unreserved));
        object.insert("used_resources_full".into(), full(&known.allocated_resources));
        object.insert("offered_resources_full".into(), full(&known.offered_resources));
        Value::from(object)
    });
    Page::Json(json!({"slaves": slaves.collect::<Value>(), "recovered_slaves": []}).to_string())
}

pub(super) fn frameworks(master: &Master, query: &Query) -> Page {
    let frameworks = Frameworks::new(master);
    let chosen = |id: &str| query.selects("framework_id", id);
    let object = json!({
        "frameworks": frameworks.current(chosen),
        "completed_frameworks": frameworks.completed(chosen),
        "unregistered_frameworks": [],
    });
    Page::Json(object.to_string())
}

/// Tasks of any state, in the order in which they came about, or (so it is unless asked otherwise) in reverse.
pub(super) fn tasks(master: &Master, query: &Query) -> Page {
    let all = master.get_tasks();
    let chosen = |task: &&Task| {
        query.selects("framework_id", &task.framework_id.value)
            && query.selects("task_id", &task.task_id.value)
    };
    let mut tasks: Vec<&Task> = [&all.tasks, &all.unreachable_tasks, &all.completed_tasks]
        .into_iter()
        .flatten()
        .filter(chosen)
        .collect();
    let began = |task: &&Task| task.statuses.first().map_or(f64::MAX, |status| status.timestamp());
    tasks.sort_by(|one, other| began(one).total_cmp(&began(other)));
    if query.get("order").as_deref() != Some("asc") {
        tasks.reverse();
    }
    // A negative number is a very large one there.
    let number = |name, default| match query.number(name) {
        Some(number) => usize::try_from(number).unwrap_or(usize::MAX),
        None => default,
    };
    let part = tasks.into_iter().skip(number("offset", 0)).take(number("limit", TASKS));
    Page::Json(json!({"tasks": part.map(model::task).collect::<Value>()}).to_string())
}

pub(super) fn version(version: &VersionInfo) -> Object {
    let mut object = fields(json!({"version": version.version}));
    put(&mut object, "build_user", version.build_user.as_deref());
    put(&mut object, "build_date", version.build_date.as_deref());
    put(&mut object, "build_time", version.build_time);
    put(&mut object, "git_sha", version.git_sha.as_deref());
    put(&mut object, "git_branch", version.git_branch.as_deref());
    put(&mut object, "git_tag", version.git_tag.as_deref());
    object
}

pub(super) fn flags(flags: &[Flag]) -> Value {
    Value::Object(flags.iter().map(|flag| (flag.name.clone(), flag.value().into())).collect())
}

pub(super) fn attributes(attributes: &[Attribute]) -> Value {
    let value = |attribute: &Attribute| match attribute.r#type() {
        value::Type::Scalar => attribute.scalar.as_ref().map(|scalar| json!(scalar.value)),
        value::Type::Ranges => attribute.ranges.as_ref().map(|ranges| {
            let text = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end));
            format!("[{}]", text.collect::<Vec<_>>().join(", ")).into()
        }),
        value::Type::Set => attribute.set.as_ref().map(|set| format!("{{{}}}", set.item.join(", ")).into()),
        value::Type::Text => attribute.text.as_ref().map(|text| json!(text.value)),
    };
    Value::Object(attributes.iter().filter_map(|it| Some((it.name.clone(), value(it)?))).collect())
}

fn agent_id(agent: &Agent) -> &str {
    agent.agent_info.id.as_ref().map_or("", |id| &id.value)
}

/// An agent, in short.
pub(super) fn agent(agent: &Agent) -> Value {
    let info = &agent.agent_info;
    let (reserved, unreserved) = model::parted(&agent.total_resources);
    let mut object = fields(json!({
        "id": agent_id(agent),
        "hostname": info.hostname,
        "port": info.port(),
        "attributes": attributes(&info.attributes),
        "pid": agent.pid,
        "registered_time": seconds(agent.registered_time.as_ref()),
        "resources": amounts(&agent.total_resources),
        "used_resources": amounts(&agent.allocated_resources),
        "offered_resources": amounts(&agent.offered_resources),
        "reserved_resources": model::by_role(&reserved, amounts),
        "unreserved_resources": amounts(&unreserved),
        "active": agent.active,
        "deactivated": agent.deactivated(),
        "version": agent.version,
        "capabilities": agent.capabilities.iter().map(|it| it.r#type().as_str_name()).collect::<Value>(),
    }));
    let back = agent.reregistered_time.as_ref().map(|time| seconds(Some(time)));
    put(&mut object, "reregistered_time", back);
    object.into()
}

/// A framework, in short.
pub(super) fn framework(known: &Framework) -> Object {
    let info = &known.framework_info;
    fields(json!({
        "id": framework_id(info),
        "name": info.name,
        "used_resources": amounts(&known.allocated_resources),
        "offered_resources": amounts(&known.offered_resources),
        "capabilities": info.capabilities.iter().map(|it| it.r#type().as_str_name()).collect::<Value>(),
        "hostname": info.hostname(),
        "webui_url": info.webui_url(),
        "active": known.active,
        "connected": known.connected,
        "recovered": known.recovered,
    }))
}

pub(super) fn framework_id(info: &FrameworkInfo) -> &str {
    info.id.as_ref().map_or("", |id| &id.value)
}

/// `role`, or `roles` of one that may have several.
pub(super) fn put_roles(object: &mut Object, info: &FrameworkInfo) {
    let several = |it: &Capability| it.r#type() == framework_info::capability::Type::MultiRole;
    let mut roles = validate::roles(info).into_iter();
    if info.capabilities.iter().any(several) {
        object.insert("roles".into(), roles.collect());
    } else {
        object.insert("role".into(), roles.next().unwrap_or_else(|| "*".into()).into());
    }
}

/// Frameworks with all that belongs to them.
struct Frameworks {
    state: crate::proto::mesos::v1::master::response::GetState,
}

impl Frameworks {
    fn new(master: &Master) -> Self {
        Self { state: master.get_state() }
    }

    fn current(&self, chosen: impl Fn(&str) -> bool) -> Value {
        let known = self.state.get_frameworks.iter().flat_map(|it| &it.frameworks);
        known.filter(|it| chosen(framework_id(&it.framework_info))).map(|it| self.framework(it)).collect()
    }

    fn completed(&self, chosen: impl Fn(&str) -> bool) -> Value {
        let known = self.state.get_frameworks.iter().flat_map(|it| &it.completed_frameworks);
        known.filter(|it| chosen(framework_id(&it.framework_info))).map(|it| self.framework(it)).collect()
    }

    fn framework(&self, known: &Framework) -> Value {
        let info = &known.framework_info;
        let id = framework_id(info);
        let own = |tasks: &[Task]| -> Value {
            tasks.iter().filter(|task| task.framework_id.value == id).map(model::task).collect()
        };
        let tasks = self.state.get_tasks.as_deref().cloned().unwrap_or_default();
        let executors = self.state.get_executors.iter().flat_map(|it| &it.executors);
        let executors =
            executors.filter(|it| it.executor_info.framework_id.as_ref().is_some_and(|it| it.value == id));
        let executors = executors.map(|it| {
            let mut object = model::executor(&it.executor_info);
            object.insert("slave_id".into(), it.agent_id.value.clone().into());
            Value::from(object)
        });
        let held: Vec<_> =
            known.allocated_resources.iter().chain(&known.offered_resources).cloned().collect();
        let mut object = framework(known);
        object.extend(fields(json!({
            "user": info.user,
            "failover_timeout": info.failover_timeout(),
            "checkpoint": info.checkpoint(),
            "registered_time": seconds(known.registered_time.as_ref()),
            "unregistered_time": seconds(known.unregistered_time.as_ref()),
            "resources": amounts(&held),
            "tasks": own(&tasks.tasks),
            "unreachable_tasks": own(&tasks.unreachable_tasks),
            "completed_tasks": own(&tasks.completed_tasks),
            "offers": known.offers.iter().map(offer).collect::<Value>(),
            "executors": executors.collect::<Value>(),
            "offer_constraints": {},
        })));
        put(&mut object, "principal", info.principal.as_deref());
        put(&mut object, "labels", info.labels.as_ref().map(model::labels));
        if known.reregistered_time != known.registered_time {
            let back = seconds(known.reregistered_time.as_ref());
            object.insert("reregistered_time".into(), back.into());
        }
        put_roles(&mut object, info);
        object.into()
    }
}

fn offer(offer: &Offer) -> Value {
    let mut object = fields(json!({
        "id": offer.id.value,
        "framework_id": offer.framework_id.value,
        "slave_id": offer.agent_id.value,
        "resources": amounts(&offer.resources),
    }));
    let allocation = offer.allocation_info.as_ref();
    put(
        &mut object,
        "allocation_info",
        allocation.map(|it| model::message(msg::RESOURCE_ALLOCATION_INFO, it)),
    );
    object.into()
}
