//! Frameworks come, change and go.

use super::*;
use crate::proto::mesos::v1::master::call::Type as Ask;
use crate::proto::mesos::v1::scheduler::call::UpdateFramework;
use event::Type::{Error, Heartbeat, Offers, Rescind, Subscribed, Update};

const RESOURCES: &str = "cpus:4;mem:4096";

fn named(info: FrameworkInfo, id: &str) -> FrameworkInfo {
    FrameworkInfo { id: Some(FrameworkId { value: id.into() }), ..info }
}

fn refused(sim: &mut Sim, info: FrameworkInfo) -> String {
    let client = sim.subscribe(info);
    let events = sim.events(&client);
    assert_eq!(events.len(), 1);
    assert!(sim.closed.contains(&client.stream));
    events[0].error.as_ref().expect("ERROR").message.clone()
}

#[test]
fn subscribed_then_heartbeats() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let events = sim.events(&client);
    let types: Vec<_> = events.iter().map(Event::r#type).collect();
    assert_eq!(types, [Subscribed, Heartbeat, Offers]);
    let subscribed = events[0].subscribed.as_ref().unwrap();
    assert_eq!(subscribed.heartbeat_interval_seconds(), 15.0);
    let master = subscribed.master_info.as_ref().unwrap();
    assert_eq!((master.pid(), master.port, master.version()), ("master@127.0.0.1:5050", 5050, "1.11.0"));
    sim.advance(seconds(14.9));
    assert!(sim.types(&client).is_empty());
    sim.advance(seconds(0.2));
    assert_eq!(sim.types(&client), [Heartbeat]);
    sim.advance(seconds(60.0));
    assert_eq!(sim.types(&client), [Heartbeat; 4]);
}

#[test]
fn bad_frameworks_are_told_why() {
    let mut sim = Sim::new(1, RESOURCES);
    #[expect(deprecated, reason = "how frameworks without MULTI_ROLE say it")]
    let with_role = |info: FrameworkInfo, role: &str| FrameworkInfo { role: Some(role.into()), ..info };
    let f = || framework("f");
    for (info, words) in [
        (
            with_role(with_roles(f(), &["a"]), "a"),
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
        ),
        (with_roles(f(), &["a", "b", "a"]), "'FrameworkInfo.roles' contains duplicate items: { a }"),
        (
            with_role(f(), "a b"),
            "'FrameworkInfo.role' is not a valid role: Role component 'a b' is invalid because it contains \
             backspace or whitespace",
        ),
        (
            with_roles(f(), &["/a"]),
            "'FrameworkInfo.roles' contains invalid role: Role '/a' cannot start with a slash",
        ),
        (named(f(), "a/b"), "'a/b' contains invalid characters"),
        (
            FrameworkInfo { failover_timeout: Some(1e300), ..f() },
            "The framework failover_timeout (1e+300) is invalid",
        ),
    ] {
        assert_eq!(refused(&mut sim, info), words);
    }
    let subscribe = Subscribe {
        framework_info: Box::new(f()),
        suppressed_roles: vec!["q".into()],
        ..Subscribe::default()
    };
    let client = sim.subscribe_with(subscribe);
    let words = "Suppressed role 'q' is not contained in the list of roles";
    assert_eq!(sim.events(&client)[0].error.as_ref().unwrap().message, words);
}

#[test]
fn a_second_subscription_takes_over() {
    let mut sim = Sim::new(1, RESOURCES);
    let old = sim.subscribe(framework("f"));
    let run = sim.run(&old, "t");
    let starting = sim.status(&old);
    let info = named(FrameworkInfo { user: "another".into(), ..framework("g") }, &old.framework);
    let new = sim.subscribe(info);
    assert_eq!(new.framework, old.framework);
    let last = sim.events(&old);
    assert_eq!(last.iter().map(Event::r#type).collect::<Vec<_>>(), [Error]);
    assert_eq!(last[0].error.as_ref().unwrap().message, "Framework failed over");
    assert!(sim.closed.contains(&old.stream));
    // the filter of the old connection is the framework's, so there are no offers
    let events = sim.events(&new);
    assert_eq!(events.iter().map(Event::r#type).collect::<Vec<_>>(), [Subscribed, Heartbeat, Update]);
    assert_eq!(events[2].update.as_ref().unwrap().status.uuid, starting.uuid, "sent again at once");

    sim.close(&old);
    let late = sim.call(&old, call_of(call::Type::Revive));
    assert!(matches!(late, Reply::Refused(400, text) if text.starts_with("The stream ID '")));
    sim.acknowledge(&new, &starting);
    sim.exit(run, Exit::Code(0));
    assert_eq!(sim.states(&new), [TaskState::TaskRunning, TaskState::TaskFinished]);

    let stranger = FrameworkInfo { principal: Some("p".into()), ..named(framework("f"), &old.framework) };
    assert_eq!(refused(&mut sim, stranger), "Changing framework's principal is not allowed.");
    sim.simple(&new, call::Type::Revive);
}

#[test]
fn a_framework_has_its_failover_timeout_to_come_back() {
    let mut sim = Sim::new(1, RESOURCES);
    let info = FrameworkInfo { failover_timeout: Some(60.0), ..framework("f") };
    let client = sim.subscribe(info.clone());
    let run = sim.run(&client, "t");
    sim.close(&client);
    let reply = sim.call(&client, call_of(call::Type::Revive));
    assert_eq!(reply, Reply::Refused(403, "Framework is not subscribed".into()));
    sim.advance(seconds(59.9));
    assert!(sim.signals.is_empty());
    let back = sim.subscribe(named(info.clone(), &client.framework));
    assert_eq!(sim.states(&back), [TaskState::TaskStarting, TaskState::TaskRunning]);
    sim.advance(seconds(600.0));
    assert!(sim.signals.is_empty());

    sim.close(&back);
    let left = sim.now;
    sim.advance(seconds(61.0));
    let terminated = left + seconds(60.0);
    assert_eq!(sim.signals, [(terminated, run, Signal::Terminate)]);
    sim.advance(seconds(3.0));
    assert_eq!(sim.signals.last(), Some(&(terminated + seconds(3.0), run, Signal::Kill)));
    assert_eq!(refused(&mut sim, named(info, &client.framework)), "Framework has been removed");
}

#[test]
fn what_a_framework_missed_is_not_what_it_was_told_last() {
    let mut sim = Sim::new(1, RESOURCES);
    let info = FrameworkInfo { failover_timeout: Some(60.0), ..framework("f") };
    let client = sim.subscribe(info.clone());
    let run = sim.run(&client, "t");
    assert_eq!(sim.states(&client), [TaskState::TaskStarting, TaskState::TaskRunning]);
    sim.close(&client);
    sim.exit(run, Exit::Code(0));
    let task = sim.ask(Ask::GetTasks).get_tasks.unwrap().tasks.remove(0);
    assert_eq!((task.state(), task.status_update_state()), (TaskState::TaskFinished, TaskState::TaskRunning));
    let back = sim.subscribe(named(info, &client.framework));
    assert_eq!(sim.status(&back).state(), TaskState::TaskFinished);
}

#[test]
fn without_a_failover_timeout_it_ends_at_once() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    sim.close(&client);
    assert_eq!(sim.signals, [(sim.now, run, Signal::Terminate)]);
    let other = sim.subscribe(framework("other"));
    assert_eq!(cpus(&sim.offer(&other)), 4.0, "nothing is held for it any more");
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
}

#[test]
fn teardown_kills_in_silence() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let run = sim.run(&client, "t");
    sim.events(&client);
    sim.simple(&client, call::Type::Teardown);
    assert!(sim.closed.contains(&client.stream));
    assert_eq!(sim.signals, [(sim.now, run, Signal::Terminate)]);
    sim.exit(run, Exit::Signal { number: 15, dumped: false });
    sim.advance(seconds(100.0));
    assert!(sim.events(&client).is_empty());
    let reply = sim.call(&client, call_of(call::Type::Revive));
    assert_eq!(reply, Reply::Refused(400, "Framework cannot be found".into()));
    assert_eq!(refused(&mut sim, named(framework("f"), &client.framework)), "Framework has been removed");
}

#[test]
fn an_update_changes_roles_and_rescinds_what_they_were_offered() {
    let mut sim = Sim::new(1, RESOURCES);
    let info = with_roles(framework("f"), &["a", "b"]);
    let client = sim.subscribe(info.clone());
    let offer = sim.offer(&client);
    assert_eq!(role(&offer), "a");
    let update = |info: FrameworkInfo| Call {
        update_framework: Some(Box::new(UpdateFramework {
            framework_info: Box::new(named(info, &client.framework)),
            ..UpdateFramework::default()
        })),
        ..call_of(call::Type::UpdateFramework)
    };
    let only_b = FrameworkInfo { roles: vec!["b".into()], ..info.clone() };
    assert_eq!(sim.call(&client, update(only_b)), Reply::Ok);
    let events = sim.events(&client);
    assert_eq!(events[0].r#type(), Rescind);
    assert_eq!(events[0].rescind.as_ref().unwrap().offer_id, id_of(&offer));
    assert_eq!(role(&events[1].offers.as_ref().unwrap().offers[0]), "b");

    for (info, words) in [
        (
            FrameworkInfo { user: "root".into(), ..info.clone() },
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to \
             update from 'nobody' to 'root'",
        ),
        (
            FrameworkInfo { checkpoint: Some(true), ..info.clone() },
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.checkpoint' is unsupported; attempted \
             to update from 'false' to 'true'",
        ),
        (
            with_roles(framework("f"), &["a", "a"]),
            "Supplied FrameworkInfo is not valid: 'FrameworkInfo.roles' contains duplicate items: { a }",
        ),
    ] {
        assert_eq!(sim.call(&client, update(info)), Reply::Refused(400, words.into()));
    }
}

#[test]
fn a_request_is_taken_and_ignored() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    sim.simple(&client, call::Type::Request);
    let reply = sim.call(&client, call_of(call::Type::Unknown));
    assert!(matches!(reply, Reply::Refused(501, _)));
}
