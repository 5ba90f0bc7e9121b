//! What a program has said about its framework, and what each update of it has replaced: Mesos may refuse it.
//!
//! # Invariants
//! * The last state is what the program wants. Each one before it stands until the update behind it is accepted.
//! * Suppressed and revived roles are no update's business: every state learns of them.

use super::Subscription;
use crate::wire::field::{scheduler_call, scheduler_call_update_framework as update};
use crate::wire::{last_bytes, last_bytes_of};
use std::collections::VecDeque;

/// Of one who does not hear what is accepted: so many updates wait for an answer at once, no more.
const UNHEARD: usize = 8;

/// The states of one framework.
#[derive(Debug)]
pub(crate) struct Said {
    /// what was replaced, oldest first: one state for each update that may still be refused
    replaced: VecDeque<Subscription>,
    now: Subscription,
}

impl Said {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self { replaced: VecDeque::new(), now: subscription }
    }

    /// What was said last, and not refused.
    pub(crate) fn now(&self) -> &Subscription {
        &self.now
    }

    /// Every state, oldest first.
    pub(super) fn states(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.replaced.iter_mut().chain([&mut self.now])
    }

    /// How many updates may still be refused.
    pub(super) fn updates(&self) -> usize {
        self.replaced.len()
    }

    /// Notes that these roles, or all of each state, are suppressed.
    pub(crate) fn suppress(&mut self, roles: &[String]) {
        self.states().for_each(|state| state.suppress(roles));
    }

    /// Notes that these roles, or all, are not suppressed.
    pub(crate) fn revive(&mut self, roles: &[String]) {
        self.states().for_each(|state| state.revive(roles));
    }

    /// Says something else, which may be refused.
    pub(super) fn update(&mut self, new: Subscription) {
        self.replaced.push_back(std::mem::replace(&mut self.now, new));
    }

    /// The same for one who hears only of what is refused: all but the last few updates are taken for accepted.
    pub(crate) fn update_unheard(&mut self, new: Subscription) {
        self.update(new);
        self.keep(UNHEARD);
    }

    /// The last update was not sent.
    pub(crate) fn take_back(&mut self) {
        if let Some(before) = self.replaced.pop_back() {
            self.now = before;
        }
    }

    /// All updates are one from now on: they are accepted or refused together.
    pub(super) fn join(&mut self) {
        self.replaced.truncate(1);
    }

    /// All updates but the last few are accepted.
    pub(super) fn keep(&mut self, updates: usize) {
        while self.replaced.len() > updates {
            self.replaced.pop_front();
        }
    }

    /// An update is refused, the oldest being 0: what it had replaced takes its place.
    pub(super) fn refuse(&mut self, update: usize) {
        if let Some(before) = self.replaced.remove(update) {
            let refused = self.replaced.get_mut(update).unwrap_or(&mut self.now);
            *refused = before;
            // roles of the refused update may have been suppressed since
            refused.forget_left_roles();
        }
    }

    /// This `scheduler.Call` is refused: if it was one of the updates, what that had replaced takes its place.
    pub(crate) fn refuse_call(&mut self, call: &[u8]) {
        let Some(said) = last_bytes(call, scheduler_call::UPDATE_FRAMEWORK) else { return };
        let [framework, constraints] =
            last_bytes_of(said, [update::FRAMEWORK_INFO, update::OFFER_CONSTRAINTS]);
        let says = |state: &Subscription| {
            Some(&state.framework[..]) == framework && state.offer_constraints.as_deref() == constraints
        };
        let updated = self.replaced.iter().skip(1).chain([&self.now]);
        // of two that say the same, the later one: an earlier one may long have been accepted
        let found = updated.enumerate().filter(|(_, state)| says(state)).last();
        if let Some((update, _)) = found {
            self.refuse(update);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::http::encode::{Caller, encode};
    use crate::event::Call;
    use crate::proto::mesos::v1;
    use bytes::Bytes;
    use prost::Message as _;

    fn subscription(name: &str, roles: &[&str]) -> Subscription {
        let mut multi = v1::framework_info::Capability::default();
        multi.set_type(v1::framework_info::capability::Type::MultiRole);
        let framework = v1::FrameworkInfo {
            name: name.into(),
            roles: strings(roles),
            capabilities: vec![multi],
            ..Default::default()
        };
        let framework = framework.encode_to_vec().into();
        Subscription { framework, suppressed_roles: vec![], offer_constraints: None }
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|one| (*one).to_owned()).collect()
    }

    fn call(Subscription { framework, suppressed_roles, offer_constraints }: Subscription) -> Bytes {
        let call = Call::UpdateFramework { framework, suppressed_roles, offer_constraints };
        encode(Caller::scheduler(&Bytes::new()), &call)
    }

    fn name(said: &Said) -> String {
        v1::FrameworkInfo::decode(&said.now().framework[..]).unwrap().name
    }

    /// `first`, and updates that may still be refused.
    fn said(updates: &[&str]) -> Said {
        let mut said = Said::new(subscription("first", &["a"]));
        updates.iter().for_each(|name| said.update(subscription(name, &["a"])));
        said
    }

    #[test]
    fn what_a_refused_update_has_replaced_stands_again() {
        for (refused, stands) in [
            (&["second"][..], "third"),
            (&["third"], "second"),
            (&["second", "third"], "first"),
            (&["third", "second"], "first"),
            (&["first"], "third"), // no update
        ] {
            let mut said = said(&["second", "third"]);
            refused.iter().for_each(|name| said.refuse_call(&call(subscription(name, &["a"]))));
            assert_eq!(name(&said), stands, "{refused:?}");
        }
    }

    #[test]
    fn of_updates_that_say_the_same_the_last_one_is_refused() {
        let mut said = said(&["second", "third", "second"]);
        said.refuse_call(&call(subscription("second", &["a"])));
        assert_eq!(name(&said), "third");
    }

    #[test]
    fn constraints_make_another_update() {
        let mut said = said(&["second"]);
        let constrained = Subscription {
            offer_constraints: Some(Bytes::from_static(b"")),
            ..subscription("second", &["a"])
        };
        said.update(constrained.clone());
        said.refuse_call(&call(constrained));
        assert_eq!((name(&said).as_str(), &said.now().offer_constraints), ("second", &None));
    }

    #[test]
    fn roles_that_were_suppressed_and_revived_since_stay_so() {
        let mut said = Said::new(subscription("first", &["a", "b", "c"]));
        said.suppress(&strings(&["a"]));
        said.update(Subscription {
            suppressed_roles: strings(&["c"]),
            ..subscription("second", &["a", "b", "c", "d"])
        });
        said.suppress(&strings(&["b", "d"]));
        said.revive(&strings(&["a"]));
        assert_eq!(said.now().suppressed_roles, ["b", "c", "d"]);
        said.refuse(0);
        assert_eq!(said.now().suppressed_roles, ["b"], "neither what it suppressed, nor its role");
    }

    #[test]
    fn an_accepted_update_is_no_more_refused() {
        let mut said = said(&["second", "third"]);
        said.keep(1);
        said.refuse_call(&call(subscription("second", &["a"])));
        assert_eq!(name(&said), "third");
        said.refuse_call(&call(subscription("third", &["a"])));
        assert_eq!(name(&said), "second");
    }
}
