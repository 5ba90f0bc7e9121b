//! What is counted has happened: each figure against what was done.

use super::worker::{Worker, by, executor};
use super::*;
use crate::local::endpoints::{Page, Query, View};
use crate::local::faults::Fault;
use serde_json::{Map, Value};
use std::path::Path;

const RESOURCES: &str = "cpus:4;mem:4096";

fn read(sim: &Sim, agent: Option<usize>) -> Map<String, Value> {
    match sim.core.look(sim.now, agent, View::Metrics, &Query::new(None), Path::new("/root")) {
        Page::Json(text) => serde_json::from_str(&text).unwrap(),
        page => panic!("{page:?}"),
    }
}

/// What is not 0 beside gauges: each name without its beginning, and its figure.
#[track_caller]
fn counted(sim: &Sim, agent: Option<usize>, expected: &[(&str, f64)]) {
    let gauge = |name: &str| {
        let own =
            ["_total", "_used", "_percent", "uptime_secs", "elected", "registered", "outstanding_offers"];
        let kinds = ["frameworks_", "slaves_", "executors_r", "tasks_running", "tasks_staging"];
        own.iter().any(|end| name.ends_with(end)) || kinds.iter().any(|kind| name.starts_with(kind))
    };
    let all = read(sim, agent).into_iter();
    let all = all.map(|(name, value)| (name.split_once('/').unwrap().1.to_owned(), value.as_f64().unwrap()));
    let told: BTreeMap<String, f64> = all.filter(|(name, value)| *value != 0.0 && !gauge(name)).collect();
    assert_eq!(told, expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect());
}

#[test]
fn a_task_that_ends_well_and_one_that_does_not() {
    let mut sim = Sim::new(1, RESOURCES);
    counted(&sim, None, &[("messages_register_slave", 1.0), ("slave_registrations", 1.0)]);
    counted(&sim, Some(0), &[]);
    let client = sim.subscribe(framework("f"));
    for (id, exit) in [("a", 0), ("b", 1)] {
        let run = sim.run(&client, id);
        sim.states(&client);
        sim.exit(run, Exit::Code(exit));
        sim.states(&client);
        sim.simple(&client, call::Type::Revive);
    }
    counted(
        &sim,
        None,
        &[
            ("messages_launch_tasks", 2.0),
            ("messages_register_framework", 1.0),
            ("messages_register_slave", 1.0),
            ("messages_revive_offers", 2.0),
            ("messages_status_update", 6.0),
            ("messages_status_update_acknowledgement", 6.0),
            ("slave_registrations", 1.0),
            ("tasks_failed", 1.0),
            ("tasks_finished", 1.0),
            ("valid_status_update_acknowledgements", 6.0),
            ("valid_status_updates", 6.0),
        ],
    );
    let own = [
        ("executors_terminated", 2.0),
        ("tasks_failed", 1.0),
        ("tasks_finished", 1.0),
        ("valid_status_updates", 6.0),
    ];
    counted(&sim, Some(0), &own);
}

#[test]
fn updates_and_acknowledgements_that_reach_nobody_are_invalid() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(FrameworkInfo { failover_timeout: Some(60.0), ..framework("f") });
    let offer = sim.offer(&client);
    let tasks =
        vec![task("t", &offer, "cpus:1;mem:64"), by(task("e", &offer, "cpus:1;mem:64"), executor("e"))];
    sim.accept(&client, &[&offer], vec![launch(tasks)], 3600.0);
    let starting = sim.status(&client);
    let unsent = TaskStatus { task_id: TaskId { value: "e".into() }, ..starting.clone() };
    let nowhere = TaskStatus { agent_id: Some(AgentId { value: "nowhere".into() }), ..starting.clone() };
    for status in [starting, unsent, nowhere] {
        sim.acknowledge(&client, &status);
    }
    sim.close(&client);
    sim.advance(seconds(10.0)); // RUNNING comes again
    let told = read(&sim, None);
    for (name, count) in [
        ("valid_status_updates", 2.0),
        ("invalid_status_updates", 1.0),
        ("valid_status_update_acknowledgements", 1.0),
        ("invalid_status_update_acknowledgements", 2.0),
    ] {
        assert_eq!(told[&format!("master/{name}")], count, "{name}");
    }
}

#[test]
fn calls_by_what_they_ask_for() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let before = read(&sim, None);
    let calls = [
        (call::Type::Revive, "messages_revive_offers"),
        (call::Type::Suppress, "messages_suppress_offers"),
        (call::Type::Request, "messages_resource_request"),
    ];
    for (kind, name) in calls {
        sim.simple(&client, kind);
        assert_eq!(
            (&before[&format!("master/{name}")], &read(&sim, None)[&format!("master/{name}")]),
            (&0.0.into(), &1.0.into())
        );
    }
    let offer = sim.offer(&client);
    let mut bad = task("bad", &offer, "cpus:1");
    bad.resources = super::task("bad", &offer, "cpus:100").resources;
    sim.accept(&client, &[&offer], vec![launch(vec![bad])], 0.0);
    sim.accept(&client, &[&offer], vec![launch(vec![task("late", &offer, "cpus:1")])], 0.0);
    let after = read(&sim, None);
    let figures = ["messages_launch_tasks", "tasks_error", "tasks_lost", "tasks_dropped"];
    assert_eq!(figures.map(|name| after[&format!("master/{name}")].as_f64().unwrap()), [2.0, 1.0, 1.0, 0.0]);
}

#[test]
fn agents_that_are_lost_and_come_back() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    sim.run(&client, "t");
    sim.states(&client);
    sim.input(Input::Fault(Fault::AgentLost(0)));
    sim.input(Input::Fault(Fault::AgentReturns(0)));
    let after = read(&sim, None);
    for name in [
        "slave_registrations",
        "slave_removals",
        "slave_removals/reason_unhealthy",
        "slave_reregistrations",
        "slave_unreachable_completed",
        "tasks_lost",
        "tasks_running",
    ] {
        assert_eq!(after[&format!("master/{name}")], 1.0, "{name}");
    }
    sim.input(Input::Fault(Fault::MasterFailsOver));
    counted(&sim, None, &[("messages_reregister_slave", 1.0), ("slave_reregistrations", 1.0)]);
    assert!(read(&sim, Some(0))["slave/valid_status_updates"] != 0.0);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    assert_eq!(read(&sim, Some(0))["slave/valid_status_updates"], 0.0);
}

#[test]
fn a_task_whose_end_overtakes_its_updates_has_ended_once() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    sim.exit(run, Exit::Code(0));
    sim.states(&client);
    let after = read(&sim, None);
    assert_eq!((&after["master/tasks_finished"], &after["master/tasks_running"]), (&1.0.into(), &0.0.into()));
    sim.simple(&client, call::Type::Revive);
    let run = sim.run(&client, "u");
    sim.states(&client);
    sim.simple(&client, call::Type::Teardown);
    sim.exit(run, Exit::Code(0));
    let after = read(&sim, None);
    assert_eq!((&after["master/tasks_killed"], &after["master/tasks_finished"]), (&1.0.into(), &1.0.into()));
}

#[test]
fn shares_of_resources_are_what_tasks_and_executors_have() {
    let mut sim = Sim::new(2, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offers(&client).remove(0);
    let tasks = vec![by(task("t", &offer, "cpus:1"), executor("e"))];
    sim.accept(&client, &[&offer], vec![launch(tasks)], 3600.0);
    let figures = |sim: &Sim, agent, whose: &str| {
        let all = read(sim, agent);
        ["cpus_total", "cpus_used", "cpus_percent"]
            .map(|name| all[&format!("{whose}/{name}")].as_f64().unwrap())
    };
    assert_eq!(figures(&sim, None, "master"), [8.0, 1.5, 1.5 / 8.0]);
    let position = usize::from(sim.core.ids()[0] != offer.agent_id.value);
    assert_eq!(figures(&sim, Some(position), "slave"), [4.0, 1.5, 1.5 / 4.0]);
    assert_eq!(figures(&sim, Some(1 - position), "slave"), [4.0, 0.0, 0.0]);
    assert_eq!(read(&sim, Some(position))["slave/executors_registering"], 1.0);
    Worker::new(&client, "e").subscribe(&mut sim, &[], Vec::new());
    let own = read(&sim, Some(position));
    assert_eq!(
        (&own["slave/executors_registering"], &own["slave/executors_running"]),
        (&0.0.into(), &1.0.into())
    );
}
