//! Checks and health checks of commands and of groups' tasks; how long a task may take.

use super::groups::{executor as group_executor, group};
use super::*;
use crate::local::process::Command;
use crate::proto::mesos::v1::scheduler::call::Reconcile;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{
    CheckInfo, CheckStatusInfo, DurationInfo, HealthCheck, KillPolicy, check_info, check_status_info,
    health_check,
};
use TaskState::{TaskFailed, TaskKilled, TaskKilling, TaskRunning, TaskStarting};

const RESOURCES: &str = "cpus:4;mem:4096;disk:1024";

/// Looks after 1 s, then every 2 s, for at most 5 s.
fn health() -> HealthCheck {
    let command = CommandInfo { value: Some("look".into()), ..CommandInfo::default() };
    HealthCheck {
        r#type: Some(health_check::Type::Command.into()),
        command: Some(Box::new(command)),
        delay_seconds: Some(1.0),
        interval_seconds: Some(2.0),
        timeout_seconds: Some(5.0),
        grace_period_seconds: Some(0.0),
        consecutive_failures: Some(2),
        ..HealthCheck::default()
    }
}

/// The same times.
fn check() -> CheckInfo {
    CheckInfo {
        r#type: Some(check_info::Type::Http.into()),
        http: Some(Box::new(check_info::Http { port: 8080, path: Some("/up".into()) })),
        delay_seconds: Some(1.0),
        interval_seconds: Some(2.0),
        timeout_seconds: Some(5.0),
        ..CheckInfo::default()
    }
}

/// A task that runs, as it was changed.
fn running(capabilities: &[CapabilityType], change: impl Fn(&mut TaskInfo)) -> (Sim, Client, RunId) {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(with(framework("f"), capabilities));
    let offer = sim.offer(&client);
    let mut info = task("t", &offer, "cpus:1;mem:64");
    change(&mut info);
    sim.accept(&client, &[&offer], vec![launch(vec![info])], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    let run = sim.started[0].0;
    (sim, client, run)
}

/// The look that was started last.
fn look(sim: &Sim) -> RunId {
    sim.started.last().unwrap().0
}

/// What was said of the task's health.
fn healths(sim: &mut Sim, client: &Client) -> Vec<Option<bool>> {
    let mut all = Vec::new();
    loop {
        let statuses = sim.statuses(client);
        if statuses.is_empty() {
            return all;
        }
        for status in statuses {
            all.push(status.healthy);
            sim.acknowledge(client, &status);
        }
    }
}

#[test]
fn a_health_check_is_told_of_at_the_first_success_and_at_failures() {
    let (mut sim, client, _) = running(&[], |task| task.health_check = Some(Box::new(health())));
    sim.advance(seconds(0.999));
    assert_eq!(sim.started.len(), 1, "not yet");
    sim.advance(seconds(0.001));
    let launch = &sim.started[1].1;
    assert_eq!((&launch.command, launch.looks), (&Command::Shell("look".into()), true));
    assert_eq!(launch.sandbox, sim.started[0].1.sandbox);
    for (code, said) in [(0, Some(true)), (0, None), (1, Some(false)), (0, Some(true)), (0, None)] {
        let look = look(&sim);
        sim.exit(look, Exit::Code(code));
        let statuses = sim.statuses(&client);
        assert_eq!(
            statuses.iter().map(|status| status.healthy).collect::<Vec<_>>(),
            Vec::from_iter(said.map(Some))
        );
        for status in statuses {
            assert_eq!(
                (status.state(), status.reason()),
                (TaskRunning, Reason::TaskHealthCheckStatusUpdated)
            );
            sim.acknowledge(&client, &status);
        }
        sim.advance(seconds(2.0));
    }
    sim.accepted(&client, Call { reconcile: Some(Reconcile::default()), ..call_of(call::Type::Reconcile) });
    let status = sim.status(&client);
    assert_eq!((status.reason(), status.healthy), (Reason::Reconciliation, Some(true)));
}

#[test]
fn a_task_that_fails_too_often_is_killed_and_unhealthy_to_the_end() {
    let (mut sim, client, run) = running(&[CapabilityType::TaskKillingState], |task| {
        task.health_check = Some(Box::new(health()));
        task.kill_policy =
            Some(KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 7_000_000_000 }) });
    });
    sim.advance(seconds(1.0));
    for _ in 0..2 {
        assert!(sim.signals.is_empty());
        let look = look(&sim);
        sim.exit(look, Exit::Code(1));
        sim.advance(seconds(2.0));
    }
    assert_eq!(
        sim.signals.iter().map(|this| (this.1, this.2)).collect::<Vec<_>>(),
        [(run, Signal::Terminate)]
    );
    assert_eq!(sim.started.len(), 3, "it is not looked at any more");
    sim.advance(seconds(5.0));
    assert_eq!(sim.signals[1].2, Signal::Kill, "after the task's own grace period");
    sim.exit(run, Exit::Signal { number: 9, dumped: false });
    let mut said = Vec::new();
    loop {
        let statuses = sim.statuses(&client);
        if statuses.is_empty() {
            break;
        }
        for status in statuses {
            said.push((status.state(), status.healthy, status.reason));
            sim.acknowledge(&client, &status);
        }
    }
    let news = Some(Reason::TaskHealthCheckStatusUpdated.into());
    let failed = (TaskRunning, Some(false), news);
    assert_eq!(said, [failed, failed, (TaskKilling, None, None), (TaskKilled, Some(false), None)]);
}

#[test]
fn failures_in_the_grace_period_do_not_count_until_there_was_a_success() {
    let graceful = || HealthCheck { grace_period_seconds: Some(6.0), ..health() };
    let (mut sim, client, _) = running(&[], |task| task.health_check = Some(Box::new(graceful())));
    sim.advance(seconds(1.0));
    for (code, said) in [(1, vec![]), (1, vec![]), (0, vec![Some(true)]), (1, vec![Some(false)])] {
        let look = look(&sim);
        sim.exit(look, Exit::Code(code));
        assert_eq!(healths(&mut sim, &client), said);
        sim.advance(seconds(2.0));
    }
    let endless = || HealthCheck { timeout_seconds: Some(0.0), ..graceful() };
    let (mut sim, client, _) = running(&[], |task| task.health_check = Some(Box::new(endless())));
    sim.advance(seconds(6.001));
    let look = look(&sim);
    sim.exit(look, Exit::Code(1));
    assert_eq!(healths(&mut sim, &client), [Some(false)], "it is over");
}

#[test]
fn a_look_that_takes_too_long_is_ended_and_has_failed() {
    let (mut sim, client, _) = running(&[], |task| task.health_check = Some(Box::new(health())));
    sim.advance(seconds(5.999));
    assert!(sim.signals.is_empty());
    sim.advance(seconds(0.001));
    assert_eq!((sim.signals[0].1, sim.signals[0].2), (look(&sim), Signal::Kill));
    assert_eq!(healths(&mut sim, &client), [Some(false)]);
    let late = look(&sim);
    sim.exit(late, Exit::Code(0));
    assert!(sim.statuses(&client).is_empty(), "what it says now is of no use");
    sim.advance(seconds(2.0));
    assert_ne!(look(&sim), late, "the next one");
    let endless = || HealthCheck { timeout_seconds: Some(0.0), ..health() };
    let (mut sim, _, _) = running(&[], |task| task.health_check = Some(Box::new(endless())));
    sim.advance(seconds(1000.0));
    assert!(sim.signals.is_empty(), "0 is no limit");
}

#[test]
fn a_look_that_cannot_be_made_or_is_killed_has_failed() {
    let (mut sim, client, _) = running(&[], |task| task.health_check = Some(Box::new(health())));
    sim.refusal = Some("Failed to execute".into());
    sim.advance(seconds(1.0));
    assert_eq!(healths(&mut sim, &client), [Some(false)]);
    sim.refusal = None;
    sim.advance(seconds(2.0));
    let look = look(&sim);
    sim.exit(look, Exit::Signal { number: 9, dumped: false });
    assert_eq!(healths(&mut sim, &client), [Some(false)]);
}

#[test]
fn a_check_is_told_of_when_it_finds_something_else() {
    let (mut sim, client, run) = running(&[], |task| {
        task.check = Some(Box::new(check()));
        task.health_check = Some(Box::new(HealthCheck { interval_seconds: Some(1000.0), ..health() }));
    });
    let http = |status_code| {
        let mut status = CheckStatusInfo {
            http: Some(check_status_info::Http { status_code }),
            ..CheckStatusInfo::default()
        };
        status.set_type(check_info::Type::Http);
        Some(Box::new(status))
    };
    sim.advance(seconds(1.0));
    let health_look = look(&sim);
    sim.exit(health_look, Exit::Code(0));
    let status = sim.status(&client);
    assert_eq!(
        (status.healthy, &status.check_status),
        (Some(true), &http(None)),
        "it is there from the start"
    );
    sim.acknowledge(&client, &status);
    for (found, said) in [
        (Found::Nothing, None),
        (Found::Status(404), Some(Some(404))),
        (Found::Status(404), None),
        (Found::Status(200), Some(Some(200))),
        (Found::Nothing, Some(None)),
    ] {
        let (run, probe) = sim.probes.pop_first().expect("a look");
        assert_eq!(
            (probe.address.to_string().as_str(), probe.path.as_deref()),
            ("127.0.0.1:8080", Some("/up"))
        );
        sim.input(Input::Happened { run, what: Happening::Probed(found) });
        let statuses = sim.statuses(&client);
        assert_eq!(statuses.len(), usize::from(said.is_some()), "{found:?}");
        for status in statuses {
            assert_eq!(status.reason(), Reason::TaskCheckStatusUpdated);
            assert_eq!((&status.check_status, status.healthy), (&http(said.unwrap()), Some(true)));
            sim.acknowledge(&client, &status);
        }
        sim.advance(seconds(2.0));
    }
    assert_eq!(sim.probes.len(), 1);
    sim.exit(run, Exit::Code(0));
    let end = sim.status(&client);
    assert_eq!((&end.check_status, end.healthy, end.reason), (&http(None), None, None));
    assert!(sim.probes.is_empty(), "the look was ended with its task");
    sim.advance(seconds(60.0));
    assert!(sim.probes.is_empty());
}

#[test]
fn one_unhealthy_task_of_a_group_ends_all_of_it() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let offer = sim.offer(&client);
    let [mut first, second] = ["a", "b"].map(|id| task(id, &offer, "cpus:0.5;mem:32"));
    first.health_check = Some(Box::new(HealthCheck { consecutive_failures: Some(1), ..health() }));
    let executor = group_executor(&client, "cpus:0.1;mem:32;disk:10");
    sim.accept(&client, &[&offer], vec![group(executor, vec![first, second])], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskStarting, TaskRunning, TaskRunning]);
    let [(a, _), (b, _)] = &sim.started[..] else { panic!("two processes") };
    let (a, b) = (*a, *b);
    sim.advance(seconds(1.0));
    let look = look(&sim);
    sim.exit(look, Exit::Code(1));
    assert_eq!(healths(&mut sim, &client), [Some(false)]);
    sim.exit(a, Exit::Signal { number: 15, dumped: false });
    sim.exit(b, Exit::Signal { number: 15, dumped: false });
    let ends = sim.statuses(&client);
    let ends: Vec<_> = ends.iter().map(|end| (end.state(), end.healthy)).collect();
    assert_eq!(ends, [(TaskKilled, Some(false)); 2], "as Mesos' default executor says it of every task");
}

#[test]
fn a_task_may_take_so_long_from_its_start() {
    let limit = DurationInfo { nanoseconds: 10_000_000_000 };
    let capable = [CapabilityType::TaskKillingState];
    let (mut sim, client, run) = running(&capable, |task| task.max_completion_time = Some(limit));
    sim.advance(seconds(9.999));
    assert!(sim.signals.is_empty());
    sim.advance(seconds(0.001));
    assert_eq!(sim.signals.iter().map(|this| this.2).collect::<Vec<_>>(), [Signal::Terminate, Signal::Kill]);
    sim.exit(run, Exit::Signal { number: 9, dumped: false });
    let end = sim.status(&client);
    assert_eq!((end.state(), end.reason()), (TaskFailed, Reason::MaxCompletionTimeReached));

    let (mut sim, client, run) = running(&[], |task| task.max_completion_time = Some(limit));
    sim.kill(&client, "t", None, Some(60_000_000_000));
    sim.advance(seconds(30.0));
    assert_eq!(sim.signals.len(), 1, "a kill in time leaves its own grace period");
    sim.exit(run, Exit::Code(0));
    assert_eq!(sim.states(&client), [TaskKilled]);
}

#[test]
fn while_its_agent_is_down_nobody_looks() {
    let mut sim = Sim::new(1, RESOURCES);
    let info = FrameworkInfo { checkpoint: Some(true), ..framework("f") };
    let client = sim.subscribe(info);
    let offer = sim.offer(&client);
    let info = TaskInfo { health_check: Some(Box::new(health())), ..task("t", &offer, "cpus:1;mem:64") };
    sim.accept(&client, &[&offer], vec![launch(vec![info])], 3600.0);
    assert_eq!(sim.states(&client), [TaskStarting, TaskRunning]);
    sim.input(Input::Fault(crate::local::Fault::AgentStops(0)));
    sim.advance(seconds(100.0));
    assert_eq!(sim.started.len(), 1);
    sim.input(Input::Fault(crate::local::Fault::AgentStarts(0)));
    sim.advance(seconds(0.0));
    let look = look(&sim);
    sim.exit(look, Exit::Code(0));
    assert_eq!(healths(&mut sim, &client), [Some(true)]);
}
