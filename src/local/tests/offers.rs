//! Who is offered what and when; ACCEPT and DECLINE.

use super::*;
use crate::proto::mesos::v1::offer_filters::{MinAllocatableResources, ResourceQuantities};
use crate::proto::mesos::v1::scheduler::call::{Revive, Suppress};
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{
    ContainerInfo, HealthCheck, OfferFilters, OperationId, OperationState, container_info,
    health_check::HttpCheckInfo, value,
};

const RESOURCES: &str = "cpus:4;mem:4096;ports:[31000-32000]";

#[test]
fn everything_is_offered_at_once_with_the_fields_that_mesos_sets() {
    let mut sim = Sim::new(1, RESOURCES);
    let old = sim.subscribe(framework("old"));
    let offer = sim.offer(&old);
    assert_eq!(offer.framework_id.value, old.framework);
    assert!(old.framework.ends_with("-0000") && offer.agent_id.value.ends_with("-S0"));
    assert_eq!(offer.hostname, "127.0.0.1");
    assert_eq!(offer.url.as_ref().unwrap().path(), "/slave(1)");
    assert_eq!(offer.allocation_info, None, "frameworks without MULTI_ROLE are not told");
    assert_eq!(resources::describe(&offer.resources), "ports:[31000-32000]; cpus:4; mem:4096");
    #[expect(deprecated, reason = "what such frameworks read")]
    let own_role = offer.resources[0].role.clone();
    assert_eq!(own_role.as_deref(), Some("*"));
    sim.decline(&old, &offer, filters(3600.0));

    let capabilities = [CapabilityType::ReservationRefinement];
    let new = sim.subscribe(with(with_roles(framework("new"), &["a"]), &capabilities));
    let offer = sim.offer(&new);
    assert_eq!(role(&offer), "a");
    assert!(offer.resources.iter().all(|resource| resource.allocation_info == offer.allocation_info));
    #[expect(deprecated, reason = "what others read")]
    let own_role = offer.resources[0].role.clone();
    assert_eq!(own_role, None);
}

#[test]
fn declined_resources_come_back_when_the_filter_is_over() {
    for (filters, away) in [(None, 5.0), (filters(2.0), 2.0), (filters(-1.0), 5.0), (filters(0.001), 0.05)] {
        let mut sim = Sim::new(1, RESOURCES);
        let client = sim.subscribe(framework("f"));
        let offer = sim.offer(&client);
        sim.advance(seconds(1.0));
        sim.decline(&client, &offer, filters);
        sim.advance(seconds(away - 0.001));
        assert!(sim.offers(&client).is_empty(), "{filters:?}");
        sim.advance(seconds(0.001));
        assert_eq!(cpus(&sim.offer(&client)), 4.0);
    }
}

#[test]
fn without_a_filter_they_come_back_at_once_but_not_faster_than_the_interval() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let first = sim.offer(&client);
    sim.advance(seconds(1.0));
    sim.decline(&client, &first, filters(0.0));
    let second = sim.offer(&client);
    sim.decline(&client, &second, filters(0.0));
    sim.advance(seconds(0.049));
    assert!(sim.offers(&client).is_empty(), "two in a moment");
    sim.advance(seconds(0.001));
    assert_eq!(cpus(&sim.offer(&client)), 4.0);
}

#[test]
fn a_filter_covers_less_but_not_more() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    // one cpu runs a task, the rest is refused for an hour
    sim.accept(&client, &[&offer], vec![launch(vec![task("t", &offer, "cpus:1;mem:64")])], 3600.0);
    assert_eq!(sim.states(&client), [TaskState::TaskStarting, TaskState::TaskRunning]);
    sim.advance(seconds(60.0));
    assert!(sim.offers(&client).is_empty());
    let run = sim.started[0].0;
    sim.exit(run, Exit::Code(0));
    // all four are more than the three that were refused
    assert_eq!(cpus(&sim.offers(&client)[0]), 4.0);
}

#[test]
fn revive_ends_filters_and_suppression_of_the_roles_it_names() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with_roles(framework("f"), &["a", "b"]));
    let offer = sim.offer(&client);
    let suppress = |roles: &[&str]| Call {
        suppress: Some(Suppress { roles: roles.iter().map(|&role| role.into()).collect() }),
        ..call_of(call::Type::Suppress)
    };
    let revive = |roles: &[&str]| Call {
        revive: Some(Revive { roles: roles.iter().map(|&role| role.into()).collect() }),
        ..call_of(call::Type::Revive)
    };
    sim.accepted(&client, suppress(&[]));
    sim.decline(&client, &offer, filters(0.0));
    sim.advance(seconds(10.0));
    assert!(sim.offers(&client).is_empty());
    sim.accepted(&client, revive(&["c"]));
    assert!(sim.offers(&client).is_empty(), "a call with a role that is not subscribed is dropped");
    sim.accepted(&client, revive(&["b"]));
    let offer = sim.offer(&client);
    assert_eq!(role(&offer), "b");
    sim.decline(&client, &offer, filters(3600.0));
    sim.advance(seconds(10.0));
    assert!(sim.offers(&client).is_empty());
    sim.accepted(&client, revive(&["a"]));
    let offer = sim.offer(&client);
    assert_eq!(role(&offer), "a");
    sim.accepted(&client, suppress(&["a"]));
    sim.decline(&client, &offer, filters(0.0));
    sim.advance(seconds(10.0));
    assert!(sim.offers(&client).is_empty(), "a is suppressed, b has its filter");
    sim.accepted(&client, revive(&[]));
    assert_eq!(sim.offers(&client).len(), 1);
}

#[test]
fn minimal_amounts_are_the_clusters_or_the_frameworks() {
    let mut sim = Sim::new(1, "cpus:0.009;mem:31;disk:1000");
    let client = sim.subscribe(framework("f"));
    assert!(sim.offers(&client).is_empty(), "less than 0.01 cpus and less than 32 MB");

    let mut sim = Sim::new(1, RESOURCES);
    let mut picky = framework("picky");
    let amounts = |cpus: f64| ResourceQuantities {
        quantities: [("cpus".to_owned(), value::Scalar { value: cpus })].into(),
    };
    let least = MinAllocatableResources { quantities: vec![amounts(8.0)] };
    picky.offer_filters = [("*".to_owned(), OfferFilters { min_allocatable_resources: Some(least) })].into();
    let client = sim.subscribe(picky);
    assert!(sim.offers(&client).is_empty());
}

#[test]
fn several_offers_of_one_agent_are_accepted_together() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    assert_eq!(sim.states(&client), [TaskState::TaskStarting, TaskState::TaskRunning]);
    sim.simple(&client, call::Type::Revive);
    let first = sim.offer(&client);
    sim.exit(run, Exit::Code(0));
    sim.advance(seconds(1.0));
    let second = sim.offer(&client);
    assert_eq!((cpus(&first), cpus(&second)), (3.0, 1.0));
    let big = task("big", &first, "cpus:3.5;mem:4000");
    sim.accept(&client, &[&first, &second], vec![launch(vec![big])], 0.0);
    assert_eq!(sim.started.len(), 2);
    sim.advance(seconds(1.0));
    assert_eq!(cpus(&sim.offers(&client)[0]), 0.5, "what is left over comes back");
}

fn error(sim: &mut Sim, client: &Client, change: impl FnOnce(&mut TaskInfo)) -> TaskStatus {
    let offer = sim.offer(client);
    let mut bad = task("bad", &offer, "cpus:1;mem:64");
    change(&mut bad);
    sim.accept(client, &[&offer], vec![launch(vec![bad])], 3600.0);
    let status = sim.status(client);
    sim.simple(client, call::Type::Revive);
    sim.advance(seconds(0.05));
    status
}

#[test]
fn tasks_that_cannot_be_end_in_task_error() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let scalar = |name: &str, amount: f64| crate::proto::mesos::v1::Resource {
        name: name.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..crate::proto::mesos::v1::Resource::default()
    };
    type Change = Box<dyn FnOnce(&mut TaskInfo)>;
    let cases: Vec<(Change, &str)> = vec![
        (
            Box::new(move |task| task.resources = vec![scalar("cpus", 400.0)]),
            "Total resources cpus(allocated: *):400 required by task and its executor is more than available \
             ports(allocated: *):[31000-32000]; cpus(allocated: *):4; mem(allocated: *):4096",
        ),
        (
            Box::new(move |task| task.resources = vec![scalar("cpus", -1.0)]),
            "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
        ),
        (Box::new(|task| task.resources.clear()), "Task uses no resources"),
        (Box::new(|task| task.task_id.value = "a/b".into()), "'a/b' contains invalid characters"),
        (Box::new(|task| task.task_id.value = "..".into()), "'..' is disallowed"),
        (Box::new(|task| task.task_id.value.clear()), "ID must not be empty"),
        (
            Box::new(|task| task.command = None),
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
        ),
        (
            Box::new(|task| {
                task.command = None;
                task.executor = Some(Box::default());
            }),
            "ID must not be empty",
        ),
        (
            Box::new(|task| task.health_check = Some(Box::<HealthCheck>::default())),
            "Task uses invalid health check: HealthCheck must specify 'type'",
        ),
        (
            Box::new(|task| {
                let http = HttpCheckInfo { scheme: Some("https".into()), ..HttpCheckInfo::default() };
                task.health_check =
                    Some(HealthCheck { http: Some(http.into()), ..HealthCheck::default() }.into());
            }),
            "The embedded cluster cannot check health over https yet",
        ),
        (
            Box::new(|task| task.container = Some(Box::default())),
            "Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo",
        ),
        (
            Box::new(|task| {
                let mut container = ContainerInfo { hostname: Some("h".into()), ..Default::default() };
                container.set_type(container_info::Type::Mesos);
                task.container = Some(container.into());
            }),
            "The embedded cluster cannot make containers (TaskInfo.container) yet",
        ),
    ];
    for (change, words) in cases {
        let status = error(&mut sim, &client, change);
        assert_eq!((status.state(), status.message()), (TaskState::TaskError, words));
        assert_eq!(status.reason(), Reason::TaskInvalid);
        assert!(status.uuid.is_none() && status.agent_id.is_some());
    }
    let wrong = error(&mut sim, &client, |task| task.agent_id.value = "elsewhere".into());
    assert!(wrong.message().starts_with("Task uses invalid agent elsewhere while agent "));
    assert_eq!(sim.started.len(), 0);
}

#[test]
fn an_id_is_taken_until_its_end_is_acknowledged() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let twins = vec![task("t", &offer, "cpus:1;mem:64"), task("t", &offer, "cpus:1;mem:64")];
    sim.accept(&client, &[&offer], vec![launch(twins)], 3600.0);
    let statuses = sim.statuses(&client);
    assert_eq!(statuses.len(), 2);
    let refused = statuses.iter().find(|status| status.state() == TaskState::TaskError).unwrap();
    assert_eq!(refused.message(), "Task has duplicate ID: t");
    let first = statuses.iter().find(|status| status.state() == TaskState::TaskStarting).unwrap().clone();
    sim.exit(sim.started[0].0, Exit::Code(0));
    sim.acknowledge(&client, &first);
    assert_eq!(sim.states(&client), [TaskState::TaskRunning, TaskState::TaskFinished]);
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(0.05));
    sim.run(&client, "t");
    assert_eq!(sim.started.len(), 2);
}

#[test]
fn offers_that_are_no_more_lose_their_tasks() {
    let mut sim = Sim::new(2, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let aware = sim.subscribe(with(framework("aware"), &[CapabilityType::PartitionAware]));
    let offers = sim.offers(&client);
    let (one, two) = (offers[0].clone(), offers[1].clone());
    let gone = Offer { id: OfferId { value: "gone".into() }, ..one.clone() };
    let tasks = || vec![launch(vec![task("t", &one, "cpus:1;mem:64")])];
    let expect = |sim: &mut Sim, client: &Client, offers: &[&Offer], state: TaskState, words: &str| {
        sim.accept(client, offers, tasks(), 0.0);
        let statuses = sim.statuses(client);
        assert_eq!(statuses.len(), 1);
        assert_eq!((statuses[0].state(), statuses[0].reason()), (state, Reason::InvalidOffers));
        let words = format!("Task launched with invalid offers: {words}");
        assert_eq!(statuses[0].message(), words);
    };
    expect(&mut sim, &client, &[&gone], TaskState::TaskLost, "Offer gone is no longer valid");
    expect(&mut sim, &client, &[], TaskState::TaskLost, "No offers specified");
    expect(&mut sim, &aware, &[&gone], TaskState::TaskDropped, "Offer gone is no longer valid");
    let words = format!(
        "Offer {} has invalid framework {} while framework {} is expected",
        one.id.value, client.framework, aware.framework
    );
    expect(&mut sim, &aware, &[&one], TaskState::TaskDropped, &words);
    let words = format!("Duplicate offer {} in offer list", one.id.value);
    sim.simple(&client, call::Type::Suppress);
    sim.simple(&aware, call::Type::Suppress);
    expect(&mut sim, &client, &[&two, &one, &one], TaskState::TaskLost, &words);
    // both are over now
    expect(
        &mut sim,
        &client,
        &[&two],
        TaskState::TaskLost,
        &format!("Offer {} is no longer valid", two.id.value),
    );
    assert_eq!(sim.started.len(), 0);
}

#[test]
fn offers_of_two_agents_do_not_go_together() {
    let mut sim = Sim::new(2, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offers = sim.offers(&client);
    sim.accept(
        &client,
        &[&offers[0], &offers[1]],
        vec![launch(vec![task("t", &offers[0], "cpus:1;mem:64")])],
        0.0,
    );
    let lost = sim.statuses(&client);
    assert!(lost[0].message().contains("Aggregated offers must belong to one single agent."));
}

#[test]
fn what_cannot_be_done_yet_is_refused_by_name() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let operation = |r#type: operation::Type, id: Option<&str>| {
        let id = id.map(|id| OperationId { value: id.into() });
        let mut operation = Operation { id, ..Operation::default() };
        operation.set_type(r#type);
        operation
    };
    let mut with_id = launch(vec![task("i", &offer, "cpus:1;mem:64")]);
    with_id.id = Some(OperationId { value: "i".into() });
    let operations = vec![
        operation(operation::Type::CreateDisk, Some("r")),
        operation(operation::Type::DestroyDisk, None),
        with_id,
    ];
    sim.accept(&client, &[&offer], operations, 3600.0);
    let events = sim.events(&client);
    assert_eq!(events.len(), 2, "an operation without an id fails in silence: {events:?}");
    let reserve = &events[0].update_operation_status.as_ref().unwrap().status;
    assert_eq!(reserve.state(), OperationState::OperationError);
    assert_eq!(reserve.message(), "The embedded cluster cannot do CREATE_DISK yet");
    let with_id = &events[1].update.as_ref().unwrap().status;
    assert_eq!(with_id.message(), "The `id` field cannot be set on LAUNCH operations");
}
