//! Operations on resources: reservations, volumes, and how frameworks hear of them.

use super::*;
use crate::proto::mesos::v1::master::call::{
    CreateVolumes, GrowVolume, ReserveResources, ShrinkVolume, Type as Ask,
};
use crate::proto::mesos::v1::resource::disk_info::Persistence;
use crate::proto::mesos::v1::resource::{DiskInfo, ReservationInfo, reservation_info};
use crate::proto::mesos::v1::scheduler::call::{AcknowledgeOperationStatus, ReconcileOperations};
use crate::proto::mesos::v1::value::Scalar;
use crate::proto::mesos::v1::{OperationId, OperationState, OperationStatus, Resource, Volume};
use OperationState::{OperationError, OperationFinished, OperationUnknown};

const RESOURCES: &str = "cpus:4;mem:4096;disk:1024";

fn plain(text: &str) -> Vec<Resource> {
    resources::unallocated(&resources::parse(text).unwrap())
}

pub(super) fn reserved(text: &str, role: &str) -> Vec<Resource> {
    let mut all = plain(text);
    for resource in &mut all {
        let mut reservation = ReservationInfo { role: Some(role.into()), ..ReservationInfo::default() };
        reservation.set_type(reservation_info::Type::Dynamic);
        resource.reservations.push(reservation);
    }
    all
}

fn volume(amount: u32, role: &str, id: &str) -> Vec<Resource> {
    let mut all = reserved(&format!("disk:{amount}"), role);
    let persistence = Persistence { id: id.into(), ..Persistence::default() };
    let mut place = Volume { container_path: "data".into(), ..Volume::default() };
    place.set_mode(crate::proto::mesos::v1::volume::Mode::Rw);
    let disk = DiskInfo {
        persistence: Some(Box::new(persistence)),
        volume: Some(Box::new(place)),
        ..DiskInfo::default()
    };
    all[0].disk = Some(Box::new(disk));
    all
}

fn operation(id: &str, r#type: operation::Type, resources: Vec<Resource>) -> Operation {
    let mut made = Operation { id: Some(OperationId { value: id.into() }), ..Operation::default() };
    match r#type {
        operation::Type::Reserve => {
            made.reserve = Some(Box::new(operation::Reserve { resources, ..Default::default() }))
        }
        operation::Type::Unreserve => made.unreserve = Some(operation::Unreserve { resources }),
        operation::Type::Create => made.create = Some(operation::Create { volumes: resources }),
        _ => made.destroy = Some(operation::Destroy { volumes: resources }),
    }
    made.set_type(r#type);
    made
}

fn statuses(sim: &mut Sim, client: &Client) -> Vec<OperationStatus> {
    let updates = sim.events(client).into_iter().filter_map(|event| event.update_operation_status);
    updates.map(|update| *update.status).collect()
}

/// How operations ended, and the offer that follows.
fn told_and_offered(sim: &mut Sim, client: &Client) -> (Vec<OperationStatus>, Offer) {
    sim.advance(seconds(1.0));
    let (mut told, mut offered) = (Vec::new(), Vec::new());
    for event in sim.events(client) {
        told.extend(event.update_operation_status.map(|update| *update.status));
        offered.extend(event.offers.into_iter().flat_map(|event| event.offers));
    }
    assert_eq!(offered.len(), 1, "{offered:?}");
    (told, offered.remove(0))
}

fn acknowledge(sim: &mut Sim, client: &Client, status: &OperationStatus) {
    let acknowledge = AcknowledgeOperationStatus {
        agent_id: status.agent_id.clone(),
        uuid: status.uuid.clone().expect("a uuid").value,
        operation_id: status.operation_id.clone().expect("an id"),
        ..AcknowledgeOperationStatus::default()
    };
    let acknowledge_operation_status = Some(Box::new(acknowledge));
    sim.accepted(
        client,
        Call { acknowledge_operation_status, ..call_of(call::Type::AcknowledgeOperationStatus) },
    );
}

fn reconcile(sim: &mut Sim, client: &Client, asked: &[(&str, Option<AgentId>)]) -> Vec<OperationStatus> {
    use crate::proto::mesos::v1::scheduler::call::reconcile_operations::Operation;
    let operation = |(id, agent_id): &(&str, Option<AgentId>)| Operation {
        operation_id: OperationId { value: (*id).into() },
        agent_id: agent_id.clone(),
        ..Operation::default()
    };
    let reconcile = ReconcileOperations { operations: asked.iter().map(operation).collect() };
    let call = Call { reconcile_operations: Some(reconcile), ..call_of(call::Type::ReconcileOperations) };
    sim.accepted(client, call);
    statuses(sim, client)
}

fn modern(roles: &[&str]) -> FrameworkInfo {
    with(with_roles(framework("f"), roles), &[CapabilityType::ReservationRefinement])
}

fn grow(id: &str, volume: Vec<Resource>, addition: Vec<Resource>) -> Operation {
    let grow = operation::GrowVolume {
        volume: Box::new(volume[0].clone()),
        addition: Box::new(addition[0].clone()),
    };
    let mut made = operation(id, operation::Type::GrowVolume, Vec::new());
    (made.grow_volume, made.destroy) = (Some(Box::new(grow)), None);
    made
}

fn shrink(id: &str, volume: Vec<Resource>, value: f64) -> Operation {
    let shrink = operation::ShrinkVolume { volume: Box::new(volume[0].clone()), subtract: Scalar { value } };
    let mut made = operation(id, operation::Type::ShrinkVolume, Vec::new());
    (made.shrink_volume, made.destroy) = (Some(Box::new(shrink)), None);
    made
}

#[test]
fn a_volume_grows_and_shrinks_and_keeps_its_directory() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(modern(&["r"]));
    let offer = sim.offer(&client);
    let steps = vec![
        operation("r", operation::Type::Reserve, reserved("disk:100", "r")),
        operation("c", operation::Type::Create, volume(64, "r", "v")),
        grow("g", volume(64, "r", "v"), reserved("disk:36", "r")),
        operation("d", operation::Type::Destroy, volume(100, "r", "v")),
    ];
    sim.accept(&client, &[&offer], steps, 3600.0);
    let (told, offer) = told_and_offered(&mut sim, &client);
    let states: Vec<_> = told.iter().map(OperationStatus::state).collect();
    assert_eq!(states, [OperationError, OperationFinished, OperationFinished, OperationFinished]);
    assert!(told[0].message().contains(" does not contain "), "not in the same ACCEPT");
    assert!(resources::of(&offer.resources).contains(&resources::of(&volume(100, "r", "v"))));
    let steps = vec![
        shrink("s", volume(100, "r", "v"), 30.0),
        grow("missing", volume(100, "r", "v"), reserved("disk:1", "r")),
        grow("unlike", volume(70, "r", "v"), plain("disk:1")),
        shrink("too much", volume(70, "r", "v"), 70.0),
    ];
    sim.accept(&client, &[&offer], steps, 3600.0);
    let (told, offer) = told_and_offered(&mut sim, &client);
    let said = |id: &str| {
        let is = |status: &&OperationStatus| status.operation_id.as_ref().is_some_and(|own| own.value == id);
        let found = told.iter().find(is).unwrap();
        (found.state(), found.message())
    };
    assert_eq!(said("s").0, OperationFinished);
    assert!(said("missing").1.starts_with("Invalid GROW_VOLUME operation: "), "{told:?}");
    assert!(said("unlike").1.starts_with("Incompatible resources in the 'GrowVolume.volume'"), "{told:?}");
    assert!(said("too much").1.starts_with("Value of 'ShrinkVolume.subtract' must be smaller"), "{told:?}");
    assert_eq!(sim.volumes.len(), 1, "it keeps its directory");
    let left = resources::of(&offer.resources);
    assert!(left.contains(&resources::of(&volume(70, "r", "v"))));
    assert!(left.contains(&resources::of(&reserved("disk:30", "r"))));
    assert_eq!(left.scalars()["disk"], 1_024_000);
}

#[test]
fn an_operator_resizes_a_volume_which_keeps_its_directory() {
    let mut sim = Sim::new(1, RESOURCES);
    let agent_id = AgentId { value: sim.agent() };
    let call = ReserveResources {
        agent_id: agent_id.clone(),
        resources: reserved("disk:100", "r"),
        ..Default::default()
    };
    let call = master::Call { reserve_resources: Some(Box::new(call)), ..master::Call::default() };
    assert_eq!(sim.order(Ask::ReserveResources, call), Reply::Accepted);
    let call = CreateVolumes { agent_id: agent_id.clone(), volumes: volume(64, "r", "v") };
    let call = master::Call { create_volumes: Some(Box::new(call)), ..master::Call::default() };
    assert_eq!(sim.order(Ask::CreateVolumes, call), Reply::Accepted);
    let directory = sim.volumes.clone();
    let agent_id = Some(agent_id);
    let mut grow = |from, by: &str| {
        let (volume, addition) = (volume(from, "r", "v").remove(0), reserved(by, "r").remove(0));
        let call =
            GrowVolume { agent_id: agent_id.clone(), volume: volume.into(), addition: addition.into() };
        let call = master::Call { grow_volume: Some(Box::new(call)), ..master::Call::default() };
        sim.order(Ask::GrowVolume, call)
    };
    assert!(matches!(grow(64, "disk:37"), Reply::Refused(409, _)), "more than is reserved");
    assert_eq!(grow(64, "disk:36"), Reply::Accepted);
    assert!(matches!(grow(64, "disk:36"), Reply::Refused(409, _)), "there is none of that size any more");
    let volume = volume(100, "r", "v").remove(0).into();
    let call = ShrinkVolume { agent_id, volume, subtract: Scalar { value: 90.0 } };
    let call = master::Call { shrink_volume: Some(Box::new(call)), ..master::Call::default() };
    assert_eq!(sim.order(Ask::ShrinkVolume, call), Reply::Accepted);
    let total = sim.ask(Ask::GetAgents).get_agents.unwrap().agents[0].total_resources.clone();
    let is_disk = |resource: &&Resource| resource.name == "disk" && !resource.reservations.is_empty();
    let amount = |disk: &Resource| (disk.disk.is_some(), disk.scalar.as_ref().unwrap().value);
    let amounts: BTreeMap<_, _> = total.iter().filter(is_disk).map(amount).collect();
    assert_eq!(amounts, BTreeMap::from([(true, 10.0), (false, 90.0)]));
    assert_eq!((sim.volumes.len(), sim.volumes), (1, directory));
}

#[test]
fn a_reservation_a_volume_and_back() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(modern(&["r"]));
    let offer = sim.offer(&client);
    let both = || reserved("cpus:1;disk:64", "r");
    let steps = vec![
        operation("r", operation::Type::Reserve, both()),
        operation("c", operation::Type::Create, volume(64, "r", "v")),
    ];
    sim.accept(&client, &[&offer], steps, 0.0);
    let told = statuses(&mut sim, &client);
    let ids: Vec<_> = told
        .iter()
        .map(|status| (status.operation_id.as_ref().unwrap().value.as_str(), status.state()))
        .collect();
    assert_eq!(ids, [("r", OperationFinished), ("c", OperationFinished)]);
    assert_eq!(sim.volumes.len(), 1);
    told.iter().for_each(|status| acknowledge(&mut sim, &client, status));

    sim.advance(seconds(1.0));
    let offer = sim.offer(&client);
    let held = resources::of(&offer.resources);
    assert!(
        held.contains(&resources::of(&volume(64, "r", "v")))
            && held.contains(&resources::of(&reserved("cpus:1", "r")))
    );
    let mut user = task("t", &offer, "cpus:0.5;mem:32");
    user.resources.extend(volume(64, "r", "v"));
    sim.accept(&client, &[&offer], vec![launch(vec![user])], 3600.0);
    assert_eq!(sim.states(&client), [TaskState::TaskStarting, TaskState::TaskRunning]);
    let (path, directory) = sim.mounted["t"][0].clone();
    assert_eq!(path, "data");
    assert!(sim.volumes.contains(&directory), "what the task sees is what was made");
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(1.0));
    let offer = sim.offers(&client).pop().expect("an offer");
    sim.accept(
        &client,
        &[&offer],
        vec![operation("d", operation::Type::Destroy, volume(64, "r", "v"))],
        3600.0,
    );
    assert_eq!(statuses(&mut sim, &client)[0].state(), OperationError, "a task has it");
    sim.exit(sim.started[0].0, Exit::Code(0));
    assert_eq!(sim.states(&client).last(), Some(&TaskState::TaskFinished));

    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(1.0));
    let offers = sim.offers(&client);
    let steps = vec![
        operation("d", operation::Type::Destroy, volume(64, "r", "v")),
        operation("u", operation::Type::Unreserve, both()),
    ];
    sim.accept(&client, &offers.iter().collect::<Vec<_>>(), steps, 3600.0);
    let (told, offer) = told_and_offered(&mut sim, &client);
    assert!(told.iter().all(|status| status.state() == OperationFinished));
    assert!(sim.volumes.is_empty());
    // not refused, although the ACCEPT had a filter: what operations make is not what was offered
    assert_eq!(resources::of(&offer.resources), resources::parse(RESOURCES).unwrap());
}

#[test]
fn what_is_reserved_is_offered_to_its_role_and_those_below_only() {
    let mut sim = Sim::new(1, "cpus(web):2;mem(web):512;cpus:2;mem:1024");
    let other = sim.subscribe(modern(&["db"]));
    assert_eq!(cpus(&sim.offer(&other)), 2.0);
    let below = sim.subscribe(modern(&["web/shop"]));
    let offer = sim.offer(&below);
    assert_eq!(resources::of(&offer.resources), resources::of(&plain("cpus(web):2;mem(web):512")));
}

#[test]
fn who_knows_no_refined_reservations_finds_the_older_form() {
    let mut sim = Sim::new(1, "cpus(web):2;mem(web):512");
    #[expect(deprecated, reason = "that is the older form")]
    let client = sim.subscribe(FrameworkInfo { role: Some("web".into()), ..framework("f") });
    let offer = sim.offer(&client);
    #[expect(deprecated, reason = "that is the older form")]
    let roles: Vec<_> = offer.resources.iter().map(|resource| resource.role.as_deref().unwrap()).collect();
    assert_eq!(roles, ["web", "web"]);
    assert!(offer.resources.iter().all(|resource| resource.reservations.is_empty()));
    let mut own = task("t", &offer, "cpus:1;mem:32");
    #[expect(deprecated, reason = "that is the older form")]
    own.resources.iter_mut().for_each(|resource| resource.role = Some("web".into()));
    sim.accept(&client, &[&offer], vec![launch(vec![own])], 0.0);
    assert_eq!(sim.started.len(), 1);
}

#[test]
fn success_is_told_until_it_is_acknowledged() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(modern(&["r"]));
    let offer = sim.offer(&client);
    let agent = Some(offer.agent_id.clone());
    sim.accept(
        &client,
        &[&offer],
        vec![operation("r", operation::Type::Reserve, reserved("cpus:1", "r"))],
        3600.0,
    );
    let first = statuses(&mut sim, &client).remove(0);
    sim.advance(seconds(10.0));
    assert_eq!(statuses(&mut sim, &client), std::slice::from_ref(&first));
    sim.advance(seconds(19.0));
    assert!(statuses(&mut sim, &client).is_empty());
    let known = reconcile(&mut sim, &client, &[("r", agent.clone())]);
    assert_eq!((known[0].state(), known[0].uuid.clone()), (OperationFinished, None));
    assert_eq!(reconcile(&mut sim, &client, &[]).len(), 1);
    acknowledge(&mut sim, &client, &first);
    sim.advance(seconds(600.0));
    assert!(statuses(&mut sim, &client).is_empty());
    let asked = [("r", None), ("r", Some(AgentId { value: "nowhere".into() })), ("r", agent)];
    let unknown = reconcile(&mut sim, &client, &asked);
    assert!(unknown.iter().all(|status| status.state() == OperationUnknown));
    let words: Vec<_> = unknown.iter().map(OperationStatus::message).collect();
    assert_eq!(
        words,
        [
            "Reconciliation: Operation is unknown and no 'agent_id' was provided",
            "Reconciliation: Both operation and agent are unknown",
            "Reconciliation: Operation is unknown",
        ]
    );
}

#[test]
fn bad_operations_are_refused_in_mesos_words_and_change_nothing() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(modern(&["r"]));
    let offer = sim.offer(&client);
    let cases = [
        (
            operation::Type::Reserve,
            plain("cpus:1"),
            "Resource cpus(allocated: r):1 is not dynamically reserved; on agent ",
        ),
        (operation::Type::Reserve, reserved("cpus:1000", "r"), "cpus(allocated: r):4; "),
        (
            operation::Type::Reserve,
            reserved("cpus:1", "other"),
            "A reserve operation was attempted for a resource with role 'other'",
        ),
        (operation::Type::Unreserve, reserved("cpus:1", "r"), "cpus(allocated: r):4; "),
        (
            operation::Type::Create,
            reserved("disk:1", "r"),
            "Not a persistent volume: Resource disk(allocated: r)",
        ),
        (
            operation::Type::Create,
            volume(1, "r", "a/b"),
            "Invalid resources: Invalid DiskInfo: Invalid persistence ID",
        ),
        (operation::Type::Create, volume(1, "r", "v"), "cpus(allocated: r):4; "),
        (operation::Type::Destroy, volume(1, "r", "v"), "Persistent volumes not found; on agent "),
    ];
    let operations = cases.iter().map(|(r#type, resources, _)| operation("o", *r#type, resources.clone()));
    sim.accept(&client, &[&offer], operations.collect(), 0.0);
    let told = statuses(&mut sim, &client);
    assert_eq!(told.len(), cases.len());
    for (status, (.., words)) in told.iter().zip(&cases) {
        assert_eq!((status.state(), status.uuid.clone()), (OperationError, None));
        assert!(status.message().starts_with(words), "{}", status.message());
    }
    sim.advance(seconds(1.0));
    assert_eq!(resources::of(&sim.offer(&client).resources), resources::parse(RESOURCES).unwrap());
}
