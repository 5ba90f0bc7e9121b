//! Frameworks come, change and go: SUBSCRIBE, fail-over, UPDATE_FRAMEWORK, lost connections, TEARDOWN.

use super::offers::Tell;
use super::{Capability, Connection, Framework, HEARTBEAT, Master, Reply, agent, events};
use crate::local::action::Action;
use crate::local::allocator::{Constraints, Minimum, Wishes};
use crate::local::clock::Time;
use crate::local::owner::can;
use crate::proto::mesos::v1::scheduler::OfferConstraints;
use crate::proto::mesos::v1::scheduler::call::{Subscribe, UpdateFramework};
use crate::proto::mesos::v1::{FrameworkId, FrameworkInfo};
use crate::validate;
use crate::wire::resources::thousandths;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Master {
    pub(super) fn subscribe(&mut self, now: Time, stream: u64, subscribe: Subscribe) {
        let id = uuid::Uuid::from_bytes(self.entropy.uuid()).to_string();
        self.out.push(Action::Reply { request: stream, reply: Reply::Stream(Some(id.clone())) }.into());
        let connection = Connection { stream, id, heartbeat: now + HEARTBEAT };
        if let Err(why) = self.admit(now, connection, subscribe) {
            self.out.push(Action::Event { stream, event: events::error(why).into() }.into());
            self.out.push(Action::Close { stream }.into());
        }
    }

    fn admit(&mut self, now: Time, connection: Connection, subscribe: Subscribe) -> Result<(), String> {
        let mut info = *subscribe.framework_info;
        let is_known = info.id.as_ref().is_some_and(|id| !id.value.is_empty());
        self.counters.count(if is_known {
            "messages_reregister_framework"
        } else {
            "messages_register_framework"
        });
        self.check_framework(&info, &subscribe.suppressed_roles)?;
        let wishes = wishes(&info, subscribe.suppressed_roles, subscribe.offer_constraints.as_ref())?;
        let mut id = info.id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
        if id.is_empty() {
            id = format!("{}-{:04}", self.info.id, self.next_framework);
            self.next_framework += 1;
            info.id = Some(FrameworkId { value: id.clone() });
        }
        let is_new = !self.frameworks.contains_key(&id);
        if let Some(known) = self.frameworks.get(&id) {
            // These two cannot change; Mesos keeps the old ones without a word.
            info.user.clone_from(&known.info.user);
            info.checkpoint = known.info.checkpoint;
            validate::framework_update(&known.info, &info)?;
        }
        let old = self.frameworks.get_mut(&id).and_then(|known| known.connection.take());
        if let Some(old) = old {
            let event = events::error("Framework failed over").into();
            self.out.push(Action::Event { stream: old.stream, event }.into());
            self.out.push(Action::Close { stream: old.stream }.into());
        }
        self.take_all_offers_back(now, &id);
        self.set_info(now, &id, info, wishes);
        if let Some(framework) = self.frameworks.get_mut(&id) {
            framework.connection = Some(connection);
            (framework.removal, framework.recovered, framework.reregistered) = (None, false, now);
        }
        self.allocator.set_active(now, &id, true);
        let subscribed = events::subscribed(&id, &self.info);
        self.send(&id, subscribed);
        self.send(&id, events::heartbeat());
        if is_new {
            self.framework_added(&id)
        } else {
            self.framework_updated(&id)
        }
        self.resume(&id);
        Ok(())
    }

    pub(super) fn update_framework(
        &mut self,
        now: Time,
        id: &str,
        update: UpdateFramework,
    ) -> Result<(), String> {
        let info = *update.framework_info;
        self.check_framework(&info, &update.suppressed_roles)
            .map_err(|why| format!("Supplied FrameworkInfo is not valid: {why}"))?;
        if let Some(known) = self.frameworks.get(id) {
            validate::framework_update(&known.info, &info)
                .map_err(|why| format!("FrameworkInfo update is not valid: {why}"))?;
        }
        let wishes = wishes(&info, update.suppressed_roles, update.offer_constraints.as_ref())
            .map_err(|why| format!("'UpdateFramework.offer_constraints' are not valid: {why}"))?;
        let changed = self.frameworks.get(id).is_some_and(|known| *known.info != info);
        let roles = validate::roles(&info);
        let lost = |offer: &super::Offer| offer.framework == id && !roles.contains(&offer.role);
        self.take_offers_back(now, Tell::Rescind, lost);
        self.set_info(now, id, info, wishes);
        if changed {
            self.framework_updated(id);
            self.resume(id);
        }
        Ok(())
    }

    fn check_framework(&self, info: &FrameworkInfo, suppressed: &[String]) -> Result<(), String> {
        validate::framework(info)?;
        if info.id.as_ref().is_some_and(|id| self.has_ended(id)) {
            return Err("Framework has been removed".into());
        }
        validate::suppressed_roles(info, suppressed)
    }

    fn set_info(&mut self, now: Time, id: &str, info: FrameworkInfo, wishes: Wishes) {
        self.allocator.update_framework(now, id, wishes);
        let info = Arc::new(info);
        match self.frameworks.get_mut(id) {
            Some(known) => known.info = info,
            None => {
                self.frameworks.insert(id.into(), Framework::new(now, info));
            }
        }
    }

    /// Lets the agents send what is not acknowledged.
    fn resume(&mut self, id: &str) {
        let agents: Vec<String> = self.agents.keys().cloned().collect();
        for agent in agents {
            self.tell_agent(&agent, agent::Input::Resume { framework: id.into() });
        }
    }

    pub(super) fn disconnected(&mut self, now: Time, stream: u64) {
        let own = |framework: &&mut Framework| {
            framework.connection.as_ref().is_some_and(|connection| connection.stream == stream)
        };
        let Some(framework) = self.frameworks.values_mut().find(own) else { return };
        framework.connection = None;
        let timeout = Duration::try_from_secs_f64(framework.info.failover_timeout()).unwrap_or_default();
        framework.removal = Some(now.saturating_add(timeout));
        let id = framework.id();
        self.allocator.set_active(now, &id, false);
        self.take_all_offers_back(now, &id);
        if timeout.is_zero() {
            self.remove_framework(now, &id);
        }
    }

    /// TEARDOWN, or the end of the fail-over timeout.
    pub(super) fn remove_framework(&mut self, now: Time, id: &str) {
        self.take_all_offers_back(now, id);
        let Some(mut framework) = self.frameworks.remove(id) else { return };
        self.allocator.remove_framework(now, id);
        if let Some(connection) = framework.connection.take() {
            self.out.push(Action::Close { stream: connection.stream }.into());
        }
        self.bury_framework(now, id, framework);
        let agents: Vec<String> = self.agents.keys().cloned().collect();
        for agent in agents {
            self.tell_agent(&agent, agent::Input::ShutdownFramework { framework: id.into() });
        }
    }
}

/// What a framework asks of the allocator, or why it may not.
fn wishes(
    info: &FrameworkInfo,
    suppressed: Vec<String>,
    constraints: Option<&OfferConstraints>,
) -> Result<Wishes, String> {
    let constraints = constraints.map(Constraints::new).transpose()?;
    Ok(Wishes {
        roles: validate::roles(info),
        suppressed: suppressed.into_iter().collect(),
        minimum: minimum(info),
        refines: can(info, Capability::ReservationRefinement),
        constraints: constraints.unwrap_or_default(),
    })
}

/// `FrameworkInfo.offer_filters`, by role.
fn minimum(info: &FrameworkInfo) -> BTreeMap<String, Minimum> {
    let amounts = info.offer_filters.iter().filter_map(|(role, filters)| {
        let least = filters.min_allocatable_resources.as_ref()?;
        let alternative = |amounts: &crate::proto::mesos::v1::offer_filters::ResourceQuantities| {
            amounts
                .quantities
                .iter()
                .map(|(name, amount)| (name.clone(), thousandths(amount.value)))
                .collect()
        };
        Some((role.clone(), least.quantities.iter().map(alternative).collect()))
    });
    amounts.collect()
}
