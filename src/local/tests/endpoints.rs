//! What tools read of the master and of an agent, while things change.

use super::worker::{Worker, by, executor};
use super::*;
use crate::local::endpoints::{Page, Query, View};
use crate::local::faults::Fault;
use serde_json::{Value, json};
use std::path::Path;

const RESOURCES: &str = "cpus:4;mem:4096;ports:[1-9]";

fn page(sim: &Sim, agent: Option<usize>, view: View, query: &str) -> Page {
    sim.core.look(sim.now, agent, view, &Query::new(Some(query)), Path::new("/root"))
}

fn read(sim: &Sim, agent: Option<usize>, view: View, query: &str) -> Value {
    match page(sim, agent, view, query) {
        Page::Json(text) => serde_json::from_str(&text).unwrap(),
        page => panic!("{page:?}"),
    }
}

fn state(sim: &Sim) -> Value {
    read(sim, None, View::State, "")
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn a_task_moves_from_list_to_list() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    assert_eq!(state(&sim)["slaves"][0]["offered_resources"]["ports"], "[1-9]");
    let run = sim.run(&client, "t");
    let framework = &state(&sim)["frameworks"][0];
    assert_eq!((ids(&framework["tasks"]), ids(&framework["completed_tasks"])), (vec!["t"], vec![]));
    assert_eq!(framework["used_resources"]["cpus"], 1.0);
    assert_eq!(framework["role"], "*");
    sim.states(&client);
    sim.exit(run, Exit::Code(0));
    let status = sim.status(&client);
    let framework = &state(&sim)["frameworks"][0];
    assert_eq!(framework["tasks"][0]["state"], "TASK_FINISHED", "its end is not acknowledged");
    assert_eq!(framework["used_resources"]["cpus"], 0.0);
    sim.acknowledge(&client, &status);
    let framework = &state(&sim)["frameworks"][0];
    assert_eq!((ids(&framework["tasks"]), ids(&framework["completed_tasks"])), (vec![], vec!["t"]));
    let states = framework["completed_tasks"][0]["statuses"].as_array().unwrap().iter();
    let states: Vec<&str> = states.map(|status| status["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    let summary = read(&sim, None, View::Summary, "");
    for place in ["frameworks", "slaves"] {
        assert_eq!(
            (&summary[place][0]["TASK_FINISHED"], &summary[place][0]["TASK_RUNNING"]),
            (&json!(1), &json!(0))
        );
    }
    sim.simple(&client, call::Type::Teardown);
    let known = state(&sim);
    assert_eq!(
        (ids(&known["frameworks"]), ids(&known["completed_frameworks"])),
        (vec![], vec![&*client.framework])
    );
    assert_eq!(known["completed_frameworks"][0]["unregistered_time"], 1_000_000.0);
    assert_eq!(read(&sim, None, View::Summary, "")["slaves"][0]["TASK_FINISHED"], 0, "that is the past");
}

#[test]
fn tasks_come_latest_first_a_hundred_at_most() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let tasks: Vec<TaskInfo> = (0..101).map(|n| task(&format!("t{n:03}"), &offer, "cpus:0.01")).collect();
    sim.accept(&client, &[&offer], vec![launch(tasks)], 0.0);
    let tasks = |query: &str| read(&sim, None, View::Tasks, query)["tasks"].clone();
    assert_eq!(tasks("").as_array().unwrap().len(), 100);
    assert_eq!(tasks("limit=-1").as_array().unwrap().len(), 101);
    assert_eq!(ids(&tasks("offset=99&limit=9")).len(), 2);
    assert_eq!(ids(&tasks("task_id=t007")), ["t007"]);
    assert_eq!(ids(&tasks("task_id=t007&framework_id=other")).len(), 0);
    let mut ascending = tasks("order=asc&limit=101").as_array().unwrap().clone();
    ascending.reverse();
    assert_eq!(Value::from(ascending), tasks("limit=101"));
}

#[test]
fn what_waits_on_an_agent_is_queued() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    sim.accept(
        &client,
        &[&offer],
        vec![launch(vec![by(task("t", &offer, "cpus:1"), executor("e"))])],
        3600.0,
    );
    let agent = |sim: &Sim| read(sim, Some(0), View::State, "")["frameworks"][0]["executors"][0].clone();
    let known = agent(&sim);
    assert_eq!((ids(&known["queued_tasks"]), ids(&known["tasks"])), (vec!["t"], vec![]));
    assert_eq!(known["resources"]["cpus"], 1.5);
    let runs =
        format!("/root/agents/{}/frameworks/{}/executors/e/runs/", sim.core.ids()[0], client.framework);
    assert!(known["directory"].as_str().unwrap().starts_with(&runs), "{known}");
    let mut worker = Worker::new(&client, "e");
    worker.subscribe(&mut sim, &[], Vec::new());
    let known = agent(&sim);
    assert_eq!((ids(&known["queued_tasks"]), ids(&known["tasks"])), (vec![], vec!["t"]));
    let containers = read(&sim, Some(0), View::Containers, "");
    assert_eq!(
        (&containers[0]["executor_id"], &containers[0]["status"]["executor_pid"]),
        (&json!("e"), &json!(100))
    );
    let statistics = read(&sim, Some(0), View::Statistics, "");
    assert_eq!(statistics[0]["statistics"]["mem_limit_bytes"], 32 * 1024 * 1024);
    assert!(statistics[0].get("status").is_none());
}

#[test]
fn agents_that_are_away() {
    let mut sim = Sim::new(2, RESOURCES);
    let counts = |sim: &Sim| {
        let known = state(sim);
        ["activated", "deactivated", "unreachable"]
            .map(|kind| known[format!("{kind}_slaves")].as_f64().unwrap())
    };
    assert_eq!(counts(&sim), [2.0, 0.0, 0.0]);
    sim.input(Input::Fault(Fault::AgentStops(0)));
    assert_eq!(counts(&sim), [1.0, 1.0, 0.0]);
    assert!(matches!(page(&sim, Some(0), View::State, ""), Page::Text(status, _) if status == 503));
    sim.input(Input::Fault(Fault::AgentStarts(0)));
    assert_eq!(counts(&sim), [2.0, 0.0, 0.0]);
    let known = state(&sim);
    assert!(
        known["slaves"][0]["reregistered_time"].is_number()
            && known["slaves"][1]["reregistered_time"].is_null()
    );
    sim.input(Input::Fault(Fault::AgentLost(1)));
    assert_eq!(counts(&sim), [1.0, 0.0, 1.0]);
    let slaves = read(&sim, None, View::Agents, &format!("slave_id={}", sim.core.ids()[1]));
    assert_eq!(slaves, json!({"slaves": [], "recovered_slaves": []}));
    assert_eq!(read(&sim, Some(1), View::State, "")["resources"]["cpus"], 4.0, "it does not know");
}

#[test]
fn roles_have_what_those_below_them_have() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with_roles(framework("f"), &["a/b"]));
    let run = sim.run(&client, "t");
    let roles = read(&sim, None, View::Roles, "")["roles"].clone();
    let names: Vec<&str> =
        roles.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "a/b"]);
    for role in roles.as_array().unwrap() {
        assert_eq!(role["allocated"], json!({"cpus": 1.0, "mem": 64.0}));
        assert_eq!(role["quota"]["consumed"], role["allocated"]);
    }
    assert_eq!((&roles[0]["frameworks"], &roles[1]["frameworks"]), (&json!([]), &json!([client.framework])));
    sim.states(&client);
    sim.exit(run, Exit::Code(0));
    sim.states(&client);
    sim.simple(&client, call::Type::Revive);
    let roles = read(&sim, None, View::Roles, "")["roles"].clone();
    assert_eq!(roles[0]["offered"], json!({"cpus": 4.0, "mem": 4096.0, "ports": 9.0}));
    assert_eq!((&roles[0]["allocated"], &roles[0]["resources"]), (&json!({}), &roles[0]["offered"]));
}

#[test]
fn pages_belong_to_the_master_or_to_an_agent() {
    let sim = Sim::new(1, RESOURCES);
    for (agent, view) in [(None, View::Containers), (Some(0), View::Tasks), (Some(0), View::Leader)] {
        assert!(matches!(page(&sim, agent, view, ""), Page::Text(status, _) if status == 404), "{view:?}");
    }
    let Page::Elsewhere(place) = page(&sim, None, View::Leader, "") else { panic!() };
    assert_eq!(place, "//127.0.0.1:5050");
    for agent in [None, Some(0)] {
        assert!(read(&sim, agent, View::Flags, "")["flags"]["port"].is_string());
        assert!(read(&sim, agent, View::Metrics, "").as_object().unwrap().values().all(Value::is_number));
    }
}
