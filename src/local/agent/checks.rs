//! Checks and health checks of tasks, as Mesos' command and default executors make them.
//!
//! # Invariants
//! * A task that is being killed, or has ended, is not looked at.
//! * A look that takes too long is ended, and has found nothing.
//! * What is told of a check keeps what was told of the health check, and the other way round.

use super::checker::{Checker, Verdict, cleared};
use super::commands::Run;
use super::{Agent, Output, Reason, RunId, TaskState};
use crate::local::clock::Time;
use crate::local::probe::Found;
use crate::proto::mesos::v1::CheckStatusInfo;
use crate::task::is_terminal;

impl Agent {
    pub(super) fn start_checks(&mut self, now: Time, id: RunId) {
        let Some(run) = self.runs.get_mut(&id).filter(|run| !run.checkers.is_empty()) else { return };
        run.checkers.iter_mut().for_each(|checker| checker.start(now));
        self.timed.insert(id);
    }

    pub(super) fn stop_checks(&mut self, id: RunId, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        for checker in run.checkers.drain(..) {
            if let Some(look) = checker.end_look(out) {
                self.looks.remove(&look);
            }
        }
    }

    /// Looks that are due begin, those that take too long end.
    pub(super) fn tick_checks(&mut self, now: Time, id: RunId, out: &mut Vec<Output>) {
        let checkers = self.runs.get(&id).map_or(0, |run| run.checkers.len());
        for at in 0..checkers {
            let is_due = |this: &&mut Checker| this.due().is_some_and(|due| due <= now);
            let Some(checker) = self.checker(id, at).filter(is_due) else { continue };
            if let Some(look) = checker.end_look(out) {
                self.looked(now, look, Found::Nothing, out);
                continue;
            }
            let look = self.next_run();
            self.looks.insert(look, id);
            out.extend(self.checker(id, at).map(|checker| checker.look(now, look).into()));
        }
    }

    fn checker(&mut self, id: RunId, at: usize) -> Option<&mut Checker> {
        self.runs.get_mut(&id)?.checkers.get_mut(at)
    }

    /// Whether it was a look, which has taken too long even to start.
    pub(super) fn is_stale(&self, run: RunId) -> bool {
        let known = self.looks.contains_key(&run) || self.runs.contains_key(&run);
        !known && !self.executors.values().any(|executor| executor.run == run)
    }

    /// Takes what a look has found. Says whether there was such a look.
    pub(super) fn looked(&mut self, now: Time, look: RunId, found: Found, out: &mut Vec<Output>) -> bool {
        let Some(id) = self.looks.remove(&look) else { return false };
        let Some(run) = self.runs.get_mut(&id) else { return true };
        let Some(checker) = run.checkers.iter_mut().find(|checker| checker.is_at(look)) else { return true };
        let reason = match checker.judge(now, found) {
            None => return true,
            Some(Verdict::Check(status)) => {
                run.check_status = Some(status);
                Reason::TaskCheckStatusUpdated
            }
            Some(Verdict::Healthy) => {
                run.healthy = Some(true);
                Reason::TaskHealthCheckStatusUpdated
            }
            Some(Verdict::Unhealthy { kill }) => {
                run.healthy = Some(false);
                run.unhealthy = kill;
                Reason::TaskHealthCheckStatusUpdated
            }
        };
        let unhealthy = run.unhealthy;
        self.report(now, id, TaskState::TaskRunning, Some(reason), None, out);
        if unhealthy {
            self.kill_unhealthy(now, id, out);
        }
        true
    }

    /// Its health check has failed too often.
    fn kill_unhealthy(&mut self, now: Time, id: RunId, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get(&id) else { return };
        let (key, grace) = ((run.owner.id().to_owned(), run.executor.clone()), run.grace(None));
        if let Some(group) = self.groups.get_mut(&key).filter(|_| run.group.is_some()) {
            group.unhealthy = true;
        }
        self.terminate(now, id, grace, out);
    }

    /// What a status says of a task's health, and of its check. Only news of either repeats what is known of both.
    pub(super) fn health(
        &self,
        run: &Run,
        state: TaskState,
        reason: Option<Reason>,
    ) -> (Option<bool>, Option<CheckStatusInfo>) {
        use Reason::{TaskCheckStatusUpdated, TaskHealthCheckStatusUpdated};
        if matches!(reason, Some(TaskCheckStatusUpdated | TaskHealthCheckStatusUpdated)) {
            return (run.healthy, run.check_status);
        }
        // The default executor has one word for all its tasks.
        let group = self.groups.get(&(run.owner.id().to_owned(), run.executor.clone()));
        let unhealthy = match run.group {
            Some(_) => group.is_some_and(|group| group.unhealthy),
            None => run.unhealthy,
        };
        ((unhealthy && is_terminal(state)).then_some(false), run.check_status.as_ref().map(cleared))
    }
}
