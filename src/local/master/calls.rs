//! The calls of schedulers but SUBSCRIBE: who may make them, and where each goes.
//!
//! # Invariants
//! * Only the connection whose stream id a call names may make it.
//! * A call is answered when it is taken; what comes of it is told by events.

use super::{Master, Reply, agent, metrics};
use crate::local::clock::Time;
use crate::proto::mesos::v1::allocator::inverse_offer_status::Status;
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::validate;

impl Master {
    /// Any call but SUBSCRIBE, after `validate::call`.
    pub(super) fn call(&mut self, now: Time, call: Call, stream_id: Option<&str>) -> Reply {
        let id = call.framework_id.as_ref().map_or("", |id| &id.value);
        let refused = |code, text: &str| Reply::Refused(code, text.into());
        let Some(framework) = self.frameworks.get(id) else {
            return refused(400, "Framework cannot be found");
        };
        let Some(connection) = &framework.connection else {
            return refused(403, "Framework is not subscribed");
        };
        match stream_id {
            None => {
                let text = "All non-subscribe calls should include the 'Mesos-Stream-Id' header";
                return refused(400, text);
            }
            Some(stream_id) if stream_id != connection.id => {
                let text = format!(
                    "The stream ID '{stream_id}' included in this request didn't match the stream ID currently \
                     associated with framework ID {id}"
                );
                return refused(400, &text);
            }
            Some(_) => {}
        }
        let id = id.to_owned();
        metrics::message(call.r#type()).into_iter().for_each(|name| self.counters.count(name));
        match (call.r#type(), call) {
            (Type::Teardown, _) => self.remove_framework(now, &id),
            (Type::Accept, Call { accept: Some(accept), .. }) => self.accept(now, &id, *accept),
            (Type::Decline, Call { decline: Some(decline), .. }) => self.decline(now, &decline),
            (Type::Revive, call) => {
                let roles = call.revive.map(|revive| revive.roles).unwrap_or_default();
                if self.subscribed(&id, &roles) {
                    self.allocator.revive(now, &id, &roles);
                }
            }
            (Type::Suppress, call) => {
                let roles = call.suppress.map(|suppress| suppress.roles).unwrap_or_default();
                if self.subscribed(&id, &roles) {
                    self.allocator.suppress(&id, &roles);
                }
            }
            (Type::Kill, Call { kill: Some(kill), .. }) => self.kill(now, &id, *kill),
            (Type::Shutdown, Call { shutdown: Some(shutdown), .. }) => {
                let input =
                    agent::Input::ShutdownExecutor { framework: id, executor: shutdown.executor_id.value };
                self.tell_agent(&shutdown.agent_id.value, input);
            }
            (Type::Acknowledge, Call { acknowledge: Some(acknowledge), .. }) => {
                let passed_on = self.acknowledge(&id, *acknowledge).is_some();
                self.counters.count(if passed_on {
                    "valid_status_update_acknowledgements"
                } else {
                    "invalid_status_update_acknowledgements"
                });
            }
            (Type::Reconcile, Call { reconcile: Some(reconcile), .. }) => {
                self.reconcile(now, &id, &reconcile.tasks);
            }
            (Type::ReconcileOperations, Call { reconcile_operations: Some(reconcile), .. }) => {
                self.reconcile_operations(&id, &reconcile.operations);
            }
            (Type::UpdateFramework, Call { update_framework: Some(update), .. }) => {
                return match self.update_framework(now, &id, *update) {
                    Ok(()) => Reply::Ok,
                    Err(text) => Reply::Refused(400, text),
                };
            }
            (Type::Message, Call { message: Some(message), .. }) => {
                let (executor, heard) = (message.executor_id.value, self.hears(&message.agent_id.value));
                self.counters.count(if heard {
                    "valid_framework_to_executor_messages"
                } else {
                    "invalid_framework_to_executor_messages"
                });
                let input = agent::Input::Message { framework: id, executor, data: message.data };
                self.tell_agent(&message.agent_id.value, input);
            }
            (
                Type::AcknowledgeOperationStatus,
                Call { acknowledge_operation_status: Some(acknowledge), .. },
            ) => self.acknowledge_operation(&id, *acknowledge),
            (Type::AcceptInverseOffers, Call { accept_inverse_offers: Some(accept), .. }) => {
                let (ids, filters) = (&accept.inverse_offer_ids, accept.filters.as_ref());
                self.answer_inverse_offers(now, &id, ids, Status::Accept, filters);
            }
            (Type::DeclineInverseOffers, Call { decline_inverse_offers: Some(decline), .. }) => {
                let (ids, filters) = (&decline.inverse_offer_ids, decline.filters.as_ref());
                self.answer_inverse_offers(now, &id, ids, Status::Decline, filters);
            }
            // Mesos' allocator takes no notice of it.
            (Type::Request, _) => {}
            _ => return Reply::Refused(501, "501 Not Implemented.".into()),
        }
        Reply::Accepted
    }

    /// Whether all these are valid roles of the framework; a call that names another one is dropped.
    fn subscribed(&self, id: &str, roles: &[String]) -> bool {
        let own =
            self.frameworks.get(id).map(|framework| validate::roles(&framework.info)).unwrap_or_default();
        roles.iter().all(|role| own.contains(role))
    }
}
