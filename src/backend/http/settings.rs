//! What the framework is and wants, for the SUBSCRIBE of every connection: calls change it as they go by.
//!
//! A subscription's roles, suppression and constraints are lost with it; without this, a framework that had
//! suppressed its offers would be flooded again after every reconnect.
//!
//! An update that the master refuses is taken back: said with the next SUBSCRIBE, it would end the driver.
//!
//! # Invariants
//! * `revision` changes with everything that a SUBSCRIBE made earlier does not say.
//! * With a subscription, `said` has an update for each UPDATE_FRAMEWORK without an answer; they are answered in order.

use super::encode;
use crate::backend::Subscription;
use crate::backend::said::Said;
use crate::event::Call;
use crate::wire::field::{framework_id, framework_info, scheduler_call};
use crate::wire::{Writer, last_bytes};
use bytes::Bytes;

/// The settings of one driver.
#[derive(Debug)]
pub(in crate::backend) struct Settings {
    said: Said,
    revision: u64,
}

impl Settings {
    pub(in crate::backend) fn new(subscription: Subscription) -> Self {
        Self { said: Said::new(subscription), revision: 0 }
    }

    /// `FrameworkInfo`, as a SUBSCRIBE would say it now
    pub(super) fn framework(&self) -> &[u8] {
        &self.said.now().framework
    }

    /// Does a master know the framework, by what was said until now?
    pub(super) fn is_registered(&self) -> bool {
        last_bytes(self.framework(), framework_info::ID).is_some()
    }

    /// The SUBSCRIBE call, and its revision. It says the updates that had no answer.
    pub(super) fn subscribe(&mut self) -> (Bytes, u64) {
        self.said.keep(0);
        (encode::subscribe(self.said.now()), self.revision)
    }

    /// What brings a subscription of an earlier revision up to date: one update, whatever it was that came since.
    pub(super) fn update_since(&mut self, revision: u64) -> Option<Call> {
        if revision == self.revision {
            return None;
        }
        if self.said.updates() == 0 {
            self.said.update(self.said.now().clone());
        }
        Some(self.update())
    }

    /// What brings any subscription of the framework up to date.
    pub(in crate::backend) fn update(&self) -> Call {
        self.said.now().clone().update()
    }

    /// Remembers the id that the master gave: every later SUBSCRIBE resumes this framework.
    pub(in crate::backend) fn registered(&mut self, id: &[u8]) {
        self.said.states().for_each(|state| set_id(&mut state.framework, id));
    }

    /// Takes over what a call without a subscription says about the framework; false if it says nothing about it.
    pub(in crate::backend) fn absorb(&mut self, call: &Call) -> bool {
        let kept = self.sent(call);
        self.said.join();
        kept
    }

    /// Takes over what a call says that the master will answer; false if it says nothing about the framework.
    pub(super) fn sent(&mut self, call: &Call) -> bool {
        match call {
            Call::Suppress { roles } => self.said.suppress(roles),
            Call::Revive { roles } => self.said.revive(roles),
            Call::UpdateFramework { framework, suppressed_roles, offer_constraints } => {
                let mut framework = framework.clone();
                if let Some(id) = last_bytes(self.framework(), framework_info::ID) {
                    set_id(&mut framework, id);
                }
                self.said.update(Subscription {
                    framework,
                    suppressed_roles: suppressed_roles.clone(),
                    offer_constraints: offer_constraints.clone(),
                });
            }
            _ => return false,
        }
        self.revision += 1;
        true
    }

    /// The master has answered this `scheduler.Call`: an update that it refused is taken back.
    pub(super) fn answered(&mut self, call: &[u8], accepted: bool) {
        let updates = self.said.updates();
        if updates == 0 || last_bytes(call, scheduler_call::UPDATE_FRAMEWORK).is_none() {
            return;
        }
        if accepted {
            self.said.keep(updates - 1);
        } else {
            self.said.refuse(0);
            self.revision += 1;
        }
    }
}

/// The last field of a number counts, so that appending it is setting it.
fn set_id(framework: &mut Bytes, id: &[u8]) {
    let known = last_bytes(framework, framework_info::ID);
    if known.and_then(|known| last_bytes(known, framework_id::VALUE)) != last_bytes(id, framework_id::VALUE) {
        let mut field = Writer::new();
        field.bytes(framework_info::ID, id);
        *framework = [&framework[..], &field.finish()].concat().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::{self, scheduler as s};
    use prost::Message;

    fn settings(framework: &v1::FrameworkInfo) -> Settings {
        let framework = framework.encode_to_vec().into();
        Settings::new(Subscription { framework, suppressed_roles: vec![], offer_constraints: None })
    }

    fn framework(roles: &[&str]) -> v1::FrameworkInfo {
        let roles: Vec<_> = roles.iter().map(|role| (*role).to_owned()).collect();
        let mut multi = v1::framework_info::Capability::default();
        multi.set_type(v1::framework_info::capability::Type::MultiRole);
        let capabilities = if roles.is_empty() { vec![] } else { vec![multi] };
        v1::FrameworkInfo { capabilities, user: "u".into(), name: "n".into(), roles, ..Default::default() }
    }

    fn id(value: &str) -> Vec<u8> {
        v1::FrameworkId { value: value.into() }.encode_to_vec()
    }

    fn subscribe(settings: &mut Settings) -> s::Call {
        s::Call::decode(&settings.subscribe().0[..]).unwrap()
    }

    fn suppressed(settings: &mut Settings) -> Vec<String> {
        subscribe(settings).subscribe.unwrap().suppressed_roles
    }

    #[test]
    fn the_id_is_said_twice_and_kept_through_an_update() {
        let mut settings = settings(&framework(&[]));
        assert_eq!(subscribe(&mut settings).framework_id, None);
        for value in ["f1", "f2", "f2"] {
            settings.registered(&id(value));
            let call = subscribe(&mut settings);
            assert_eq!(call.framework_id.unwrap().value, value);
            assert_eq!(call.subscribe.unwrap().framework_info.id.unwrap().value, value);
        }
        let renamed = v1::FrameworkInfo { name: "other".into(), ..framework(&[]) };
        let framework = renamed.encode_to_vec().into();
        settings.absorb(&Call::UpdateFramework {
            framework,
            suppressed_roles: vec![],
            offer_constraints: None,
        });
        let call = subscribe(&mut settings);
        assert_eq!(call.framework_id.unwrap().value, "f2");
        assert_eq!(call.subscribe.unwrap().framework_info.name, "other");
    }

    #[test]
    fn suppression_is_remembered_by_role() {
        let mut settings = settings(&framework(&["b", "a", "c"]));
        let roles = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect();
        settings.absorb(&Call::Suppress { roles: roles(&["c"]) });
        assert_eq!(suppressed(&mut settings), ["c"]);
        settings.absorb(&Call::Suppress { roles: vec![] });
        assert_eq!(suppressed(&mut settings), ["a", "b", "c"]);
        settings.absorb(&Call::Revive { roles: roles(&["b"]) });
        assert_eq!(suppressed(&mut settings), ["a", "c"]);
        settings.absorb(&Call::Revive { roles: vec![] });
        assert!(suppressed(&mut settings).is_empty());
    }

    #[test]
    #[expect(deprecated, reason = "frameworks from before MULTI_ROLE are still there")]
    fn a_framework_of_one_role_suppresses_that_one() {
        let mut one = settings(&v1::FrameworkInfo { role: Some("r".into()), ..framework(&[]) });
        one.absorb(&Call::Suppress { roles: vec![] });
        assert_eq!(suppressed(&mut one), ["r"]);
        let mut none = settings(&framework(&[]));
        none.absorb(&Call::Suppress { roles: vec![] });
        assert_eq!(suppressed(&mut none), ["*"]);
        let mut left = framework(&["a"]);
        left.roles.clear();
        let mut roleless = settings(&left);
        roleless.absorb(&Call::Suppress { roles: vec![] });
        assert!(
            suppressed(&mut roleless).is_empty(),
            "Mesos would refuse a role that the framework is not in"
        );
    }

    #[test]
    fn an_update_is_due_only_after_a_change() {
        let mut settings = settings(&framework(&["a"]));
        let (_, revision) = settings.subscribe();
        assert!(!settings.absorb(&Call::Reconcile { tasks: vec![] }));
        assert!(settings.update_since(revision).is_none());
        assert!(settings.absorb(&Call::Suppress { roles: vec![] }));
        let Some(Call::UpdateFramework { suppressed_roles, .. }) = settings.update_since(revision) else {
            panic!()
        };
        assert_eq!(suppressed_roles, ["a"]);
    }
}
