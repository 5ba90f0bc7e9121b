//! What looks at one task, again and again: a check or a health check, when it looks, and what it makes of what it finds.
//!
//! # Invariants
//! * It looks for the first time when its delay is over, and again an interval after each answer: one look at a time.
//! * A check is told of when it finds something else than before; a health check at every failure that counts, and at the
//!   first success after none or after failures.

use super::Output;
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::probe::{Found, Probe};
use crate::local::process::{Launch, RunId, Signal};
use crate::proto::mesos::v1::check_status_info::{Command, Http, Tcp};
use crate::proto::mesos::v1::network_info::Protocol;
use crate::proto::mesos::v1::{
    CheckInfo, CheckStatusInfo, CommandInfo, HealthCheck, TaskInfo, check_info, health_check,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Longer than any task runs, and short enough to be added to a time.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Looks at a task, again and again.
#[derive(Debug)]
pub(super) struct Checker {
    look: Look,
    purpose: Purpose,
    delay: Duration,
    interval: Duration,
    timeout: Option<Duration>,
    phase: Phase,
}

#[derive(Debug)]
enum Look {
    Command(Launch),
    Probe(Probe),
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// nobody looks
    Idle,
    /// until the next look
    Waiting(Time),
    /// and until when
    Looking(RunId, Option<Time>),
}

#[derive(Debug)]
enum Purpose {
    Check(CheckStatusInfo),
    Health(Health),
}

/// What a health check makes of what it finds.
#[derive(Debug)]
struct Health {
    /// how long failures do not count, unless there was a success; from the first moment
    grace: Duration,
    started: Time,
    succeeded: bool,
    /// in a row
    failures: u32,
    most_failures: u32,
}

/// What there is to say after a look.
pub(super) enum Verdict {
    Check(CheckStatusInfo),
    Healthy,
    Unhealthy { kill: bool },
}

impl Checker {
    /// The checkers of a task that is started like this. Those of a group's task see its variables, too.
    pub(super) fn of(task: &TaskInfo, launch: &Launch, grouped: bool) -> Vec<Self> {
        let environment = if grouped { launch.environment.clone() } else { Vec::new() };
        let command = |command: &CommandInfo| Look::Command(launch.look(command, environment.clone()));
        let check = task.check.as_ref().and_then(|info| Self::check(info, command));
        let health = task.health_check.as_ref().and_then(|info| Self::health(info, command));
        check.into_iter().chain(health).collect()
    }

    fn check(info: &CheckInfo, command: impl Fn(&CommandInfo) -> Look) -> Option<Self> {
        use check_info::Type;
        let look = match info.r#type() {
            Type::Command => command(&info.command.as_ref()?.command),
            Type::Http => {
                let http = info.http.as_ref()?;
                probe(http.port, Protocol::IPv4, Some(http.path()))
            }
            Type::Tcp => probe(info.tcp.as_ref()?.port, Protocol::IPv4, None),
            Type::Unknown => return None,
        };
        let purpose = Purpose::Check(nothing_yet(info.r#type()));
        let times = [info.delay_seconds(), info.interval_seconds(), info.timeout_seconds()];
        Some(Self::new(look, purpose, times))
    }

    fn health(info: &HealthCheck, command: impl Fn(&CommandInfo) -> Look) -> Option<Self> {
        use health_check::Type;
        let look = match (info.r#type(), &info.http) {
            (Type::Tcp, _) => {
                let tcp = info.tcp.as_ref()?;
                probe(tcp.port, tcp.protocol(), None)
            }
            // Of old there was no type.
            (Type::Http | Type::Unknown, Some(http)) => probe(http.port, http.protocol(), Some(http.path())),
            _ => command(info.command.as_deref()?),
        };
        let purpose = Purpose::Health(Health {
            grace: seconds(info.grace_period_seconds()),
            started: Time::ZERO,
            succeeded: false,
            failures: 0,
            most_failures: info.consecutive_failures(),
        });
        let times = [info.delay_seconds(), info.interval_seconds(), info.timeout_seconds()];
        Some(Self::new(look, purpose, times))
    }

    fn new(look: Look, purpose: Purpose, times: [f64; 3]) -> Self {
        let [delay, interval, timeout] = times.map(seconds);
        let timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        Self { look, purpose, delay, interval, timeout, phase: Phase::Idle }
    }

    pub(super) fn due(&self) -> Option<Time> {
        match self.phase {
            Phase::Idle => None,
            Phase::Waiting(time) => Some(time),
            Phase::Looking(_, until) => until,
        }
    }

    /// The task has started.
    pub(super) fn start(&mut self, now: Time) {
        self.phase = Phase::Waiting(now + self.delay);
        if let Purpose::Health(health) = &mut self.purpose {
            health.started = now;
        }
    }

    /// The look of this number begins.
    pub(super) fn look(&mut self, now: Time, run: RunId) -> Action {
        self.phase = Phase::Looking(run, self.timeout.map(|timeout| now + timeout));
        match &self.look {
            Look::Command(launch) => Action::Start { run, launch: Box::new(launch.clone()) },
            Look::Probe(probe) => Action::Probe { run, probe: probe.clone() },
        }
    }

    pub(super) fn is_at(&self, look: RunId) -> bool {
        matches!(self.phase, Phase::Looking(run, _) if run == look)
    }

    /// Ends the look that is under way, if there is one.
    pub(super) fn end_look(&self, out: &mut Vec<Output>) -> Option<RunId> {
        let Phase::Looking(run, _) = self.phase else { return None };
        let end = match self.look {
            Look::Command(_) => Action::Signal { run, signal: Signal::Kill },
            Look::Probe(_) => Action::EndProbe { run },
        };
        out.push(end.into());
        Some(run)
    }

    /// The look under way has found this.
    pub(super) fn judge(&mut self, now: Time, found: Found) -> Option<Verdict> {
        self.phase = Phase::Waiting(now + self.interval);
        match &mut self.purpose {
            Purpose::Check(known) => {
                let status = of_check(known, found);
                (status != *known).then(|| {
                    known.clone_from(&status);
                    Verdict::Check(status)
                })
            }
            Purpose::Health(health) => health.judge(now, found),
        }
    }
}

impl Health {
    fn judge(&mut self, now: Time, found: Found) -> Option<Verdict> {
        let healthy = match found {
            Found::Exit(code) => code == 0,
            Found::Status(code) => (200..400).contains(&code),
            Found::Connection(opened) => opened,
            Found::Nothing => false,
        };
        if healthy {
            let first = !self.succeeded || self.failures > 0;
            (self.succeeded, self.failures) = (true, 0);
            return first.then_some(Verdict::Healthy);
        }
        if !self.succeeded && !self.grace.is_zero() && now.saturating_sub(self.started) <= self.grace {
            return None;
        }
        self.failures += 1;
        Some(Verdict::Unhealthy { kill: self.failures >= self.most_failures })
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).map_or(FOREVER, |time| time.min(FOREVER))
}

/// On this machine; a port that there cannot be is one where nobody listens.
fn probe(port: u32, protocol: Protocol, path: Option<&str>) -> Look {
    let host = match protocol {
        Protocol::IPv6 => IpAddr::from(Ipv6Addr::LOCALHOST),
        Protocol::IPv4 => Ipv4Addr::LOCALHOST.into(),
    };
    let address = SocketAddr::new(host, u16::try_from(port).unwrap_or_default());
    Look::Probe(Probe { address, path: path.map(str::to_owned) })
}

/// The result of a check that has none.
fn nothing_yet(r#type: check_info::Type) -> CheckStatusInfo {
    use check_info::Type;
    let mut status = CheckStatusInfo {
        command: (r#type == Type::Command).then(Command::default),
        http: (r#type == Type::Http).then(Http::default),
        tcp: (r#type == Type::Tcp).then(Tcp::default),
        ..CheckStatusInfo::default()
    };
    status.set_type(r#type);
    status
}

/// What every status of a task with a check says of it, as long as nothing was found.
pub(super) fn unknown(task: &TaskInfo) -> Option<CheckStatusInfo> {
    task.check.as_ref().map(|check| nothing_yet(check.r#type()))
}

/// The result of a check that has found this.
fn of_check(known: &CheckStatusInfo, found: Found) -> CheckStatusInfo {
    let mut status = nothing_yet(known.r#type());
    match found {
        Found::Exit(code) => status.command = Some(Command { exit_code: Some(code) }),
        Found::Status(code) => status.http = Some(Http { status_code: Some(code.into()) }),
        Found::Connection(opened) => status.tcp = Some(Tcp { succeeded: Some(opened) }),
        Found::Nothing => {}
    }
    status
}

/// The same check, with nothing found.
pub(super) fn cleared(status: &CheckStatusInfo) -> CheckStatusInfo {
    nothing_yet(status.r#type())
}
