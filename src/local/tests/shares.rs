//! What operators decide of who is offered what: weights, quotas, maintenance, agents that are deactivated.

use super::*;
use crate::proto::mesos::v1::allocator::inverse_offer_status::Status;
use crate::proto::mesos::v1::maintenance::{Schedule, Window};
use crate::proto::mesos::v1::master::Call as Order;
use crate::proto::mesos::v1::master::call::{
    DeactivateAgent, ReactivateAgent, Type as Ask, UpdateMaintenanceSchedule, UpdateQuota, UpdateWeights,
};
use crate::proto::mesos::v1::quota::QuotaConfig;
use crate::proto::mesos::v1::scheduler::call::{AcceptInverseOffers, DeclineInverseOffers};
use crate::proto::mesos::v1::{MachineId, TimeInfo, Unavailability, WeightInfo, value};

const RESOURCES: &str = "cpus:4;mem:4096";

fn weigh(sim: &mut Sim, weights: &[(&str, f64)]) -> Reply {
    let info = |(role, weight): &(&str, f64)| WeightInfo { role: Some((*role).into()), weight: *weight };
    let update_weights = Some(UpdateWeights { weight_infos: weights.iter().map(info).collect() });
    sim.order(Ask::UpdateWeights, Order { update_weights, ..Order::default() })
}

fn limit(
    sim: &mut Sim,
    role: &str,
    guarantees: &[(&str, f64)],
    limits: &[(&str, f64)],
    force: bool,
) -> Reply {
    let scalars = |amounts: &[(&str, f64)]| {
        amounts.iter().map(|(name, value)| ((*name).to_owned(), value::Scalar { value: *value })).collect()
    };
    let config = QuotaConfig { role: role.into(), guarantees: scalars(guarantees), limits: scalars(limits) };
    let update = UpdateQuota { force: Some(force), quota_configs: vec![config] };
    let update_quota = Some(Box::new(update));
    sim.order(Ask::UpdateQuota, Order { update_quota, ..Order::default() })
}

fn plan(sim: &mut Sim, start: Option<i64>) -> Reply {
    let machine = MachineId { hostname: Some("127.0.0.1".into()), ip: Some("127.0.0.1".into()) };
    let window = |nanoseconds| Window {
        machine_ids: vec![machine.clone()],
        unavailability: Box::new(Unavailability { start: TimeInfo { nanoseconds }, duration: None }),
    };
    let schedule = Schedule { windows: start.map(window).into_iter().collect() };
    let update_maintenance_schedule = Some(UpdateMaintenanceSchedule { schedule });
    sim.order(Ask::UpdateMaintenanceSchedule, Order { update_maintenance_schedule, ..Order::default() })
}

/// Launches tasks of one cpu, each on whatever offer is there, and gives the rest back; who got the offers.
fn turns(sim: &mut Sim, clients: &[(&str, &Client)], turns: usize) -> Vec<String> {
    let mut served = Vec::new();
    for turn in 0..turns {
        sim.advance(seconds(0.1));
        for (name, client) in clients {
            for offer in sim.offers(client) {
                served.push((*name).to_owned());
                let id = format!("{name}{turn}");
                sim.accept(client, &[&offer], vec![launch(vec![task(&id, &offer, "cpus:1;mem:1")])], 0.0);
            }
        }
    }
    served
}

#[test]
fn weights_share_the_cluster_and_take_offers_back() {
    let mut sim = Sim::new(1, "cpus:100;mem:1000");
    let light = sim.subscribe(with_roles(framework("light"), &["light"]));
    let offer = sim.offer(&light);
    let heavy = sim.subscribe(with_roles(framework("heavy"), &["heavy"]));
    assert_eq!(weigh(&mut sim, &[("elsewhere", 2.0)]), Reply::Ok);
    assert!(sim.events(&light).is_empty(), "nobody has this role");
    assert_eq!(weigh(&mut sim, &[("heavy", 3.0), ("light", 1.0)]), Reply::Ok);
    assert_eq!(sim.events(&light)[0].rescind.as_ref().unwrap().offer_id, offer.id);
    let served = turns(&mut sim, &[("light", &light), ("heavy", &heavy)], 40);
    let heavy = served.iter().filter(|name| *name == "heavy").count();
    let light = served.len() - heavy;
    assert!(heavy > 29 && heavy.abs_diff(3 * light) <= 3, "{heavy} and {light}");
    let infos = sim.ask(Ask::GetWeights).get_weights.unwrap().weight_infos;
    let roles: Vec<_> = infos.iter().map(|info| (info.role().to_owned(), info.weight)).collect();
    assert_eq!(roles, [("elsewhere".into(), 2.0), ("heavy".into(), 3.0), ("light".into(), 1.0)]);
    let refused = "Failed to validate update weights request JSON for role 'a': Invalid weight '0': Weights must be \
                   positive";
    assert_eq!(weigh(&mut sim, &[("a", 0.0)]), Reply::Refused(400, refused.into()));
}

#[test]
fn a_limit_cuts_offers_down_and_counts_what_runs() {
    let mut sim = Sim::new(2, RESOURCES);
    assert_eq!(limit(&mut sim, "r", &[], &[("cpus", 5.0)], false), Reply::Ok);
    let client = sim.subscribe(with_roles(framework("f"), &["r"]));
    let offers = sim.offers(&client);
    let mut all: Vec<f64> = offers.iter().map(cpus).collect();
    all.sort_by(f64::total_cmp);
    assert_eq!(all, [1.0, 4.0], "memory has no limit");
    let whole = offers.iter().find(|offer| cpus(offer) == 4.0).unwrap();
    sim.accept(&client, &[whole], vec![launch(vec![task("t", whole, "cpus:4;mem:1")])], 0.0);
    let refused = "Invalid QuotaConfig: Role 'r' is already consuming 'cpus:4; mem:1'; this is more than the \
                   requested limits 'cpus:1' (use 'force' flag to bypass this check)";
    assert_eq!(limit(&mut sim, "r", &[], &[("cpus", 1.0)], false), Reply::Refused(400, refused.into()));
    sim.events(&client);
    assert_eq!(limit(&mut sim, "r", &[], &[("cpus", 1.0)], true), Reply::Ok);
    assert!(sim.types(&client).contains(&event::Type::Rescind));
    sim.advance(seconds(1.0));
    assert!(sim.offers(&client).iter().all(|offer| cpus(offer) == 0.0));
    assert_eq!(limit(&mut sim, "r", &[], &[], false), Reply::Ok);
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(1.0));
    assert!(sim.offers(&client).iter().any(|offer| cpus(offer) > 0.0), "no limit any more");
}

#[test]
fn a_higher_limit_is_given_out_without_being_asked_for() {
    let mut sim = Sim::new(1, RESOURCES);
    assert_eq!(limit(&mut sim, "r", &[], &[("cpus", 1.0), ("mem", 64.0)], false), Reply::Ok);
    let client = sim.subscribe(with_roles(framework("f"), &["r"]));
    sim.run(&client, "t");
    sim.events(&client);
    sim.advance(seconds(60.0));
    assert!(sim.offers(&client).is_empty());
    assert_eq!(limit(&mut sim, "r", &[], &[("cpus", 3.0), ("mem", 640.0)], false), Reply::Ok);
    sim.advance(seconds(1.0));
    assert_eq!(cpus(&sim.offer(&client)), 2.0);
}

#[test]
fn a_guarantee_is_kept_free_and_served_first() {
    let mut sim = Sim::new(1, RESOURCES);
    let greedy = sim.subscribe(with_roles(framework("greedy"), &["a"]));
    assert_eq!(cpus(&sim.offer(&greedy)), 4.0);
    let refused = "Invalid QuotaConfig: total quota guarantees 'cpus:8' exceed cluster capacity 'cpus:4; mem:4096' \
                   (use 'force' flag to bypass this check)";
    let over = limit(&mut sim, "r", &[("cpus", 8.0)], &[], false);
    assert_eq!(over, Reply::Refused(400, refused.into()));
    assert_eq!(limit(&mut sim, "r", &[("cpus", 3.0)], &[], false), Reply::Ok);
    sim.advance(seconds(1.0));
    let offer = sim.offers(&greedy).pop().unwrap();
    assert_eq!(cpus(&offer), 1.0, "the other three wait for r");
    let owner = sim.subscribe(with_roles(framework("owner"), &["r"]));
    assert_eq!(cpus(&sim.offer(&owner)), 3.0);
    let why = "Role component 'a b' is invalid because it contains backspace or whitespace";
    for (role, words) in [
        ("a/b", "Updating quota on nested role 'a/b' is not supported yet".to_owned()),
        ("a b", format!("Invalid QuotaConfig: Invalid 'QuotaConfig.role': {why}")),
    ] {
        assert_eq!(limit(&mut sim, role, &[], &[], false), Reply::Refused(400, words));
    }
}

#[test]
fn who_is_away_is_asked_to_leave_on_the_return() {
    let mut sim = Sim::new(1, RESOURCES);
    let mut info = FrameworkInfo { failover_timeout: Some(60.0), ..framework("f") };
    let client = sim.subscribe(info.clone());
    sim.run(&client, "t");
    sim.close(&client);
    assert_eq!(plan(&mut sim, Some(7)), Reply::Ok);
    info.id = Some(FrameworkId { value: client.framework.clone() });
    let back = sim.subscribe(info);
    sim.advance(seconds(1.0));
    assert!(sim.types(&back).contains(&event::Type::InverseOffers));
}

#[test]
fn who_holds_something_is_asked_to_leave_and_answers() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    let idle = sim.subscribe(framework("idle"));
    sim.run(&client, "t");
    sim.events(&client);
    assert_eq!(plan(&mut sim, Some(7)), Reply::Ok);
    let events = sim.events(&client);
    let asked = |events: &[Event]| -> Vec<crate::proto::mesos::v1::InverseOffer> {
        events
            .iter()
            .filter_map(|event| event.inverse_offers.clone())
            .flat_map(|all| all.inverse_offers)
            .collect()
    };
    let inverse = asked(&events).remove(0);
    assert_eq!(inverse.unavailability.start.nanoseconds, 7);
    assert_eq!(inverse.framework_id.value, client.framework);
    sim.simple(&idle, call::Type::Revive); // a reason to look again
    sim.advance(seconds(60.0));
    assert!(asked(&sim.events(&client)).is_empty(), "once, until it has answered");
    let decline =
        DeclineInverseOffers { inverse_offer_ids: vec![inverse.id.clone()], filters: filters(10.0) };
    let call =
        Call { decline_inverse_offers: Some(Box::new(decline)), ..call_of(call::Type::DeclineInverseOffers) };
    sim.accepted(&client, call);
    sim.advance(seconds(9.9));
    assert!(asked(&sim.events(&client)).is_empty());
    sim.advance(seconds(0.2));
    let again = asked(&sim.events(&client)).remove(0);
    let accept = AcceptInverseOffers { inverse_offer_ids: vec![again.id], filters: filters(3600.0) };
    let call =
        Call { accept_inverse_offers: Some(Box::new(accept)), ..call_of(call::Type::AcceptInverseOffers) };
    sim.accepted(&client, call);
    let status = sim.ask(Ask::GetMaintenanceStatus).get_maintenance_status.unwrap().status;
    let statuses = &status.draining_machines[0].statuses;
    assert!(statuses.iter().any(|status| status.status() == Status::Accept), "{statuses:?}");
    assert_eq!(plan(&mut sim, Some(8)), Reply::Ok);
    assert_eq!(asked(&sim.events(&client))[0].unavailability.start.nanoseconds, 8, "a new question");
    sim.events(&idle);
    assert_eq!(plan(&mut sim, None), Reply::Ok);
    assert!(sim.types(&client).contains(&event::Type::RescindInverseOffer));
    assert!(
        sim.ask(Ask::GetMaintenanceSchedule).get_maintenance_schedule.unwrap().schedule.windows.is_empty()
    );
}

#[test]
fn a_deactivated_agent_is_not_offered_and_keeps_its_tasks() {
    let mut sim = Sim::new(1, RESOURCES);
    let client = sim.subscribe(framework("f"));
    sim.run(&client, "t");
    sim.simple(&client, call::Type::Revive);
    let offer = sim.offers(&client).remove(0);
    let agent_id = offer.agent_id.clone();
    let order = |agent_id: &AgentId| Order {
        deactivate_agent: Some(DeactivateAgent { agent_id: agent_id.clone() }),
        reactivate_agent: Some(ReactivateAgent { agent_id: agent_id.clone() }),
        ..Order::default()
    };
    assert_eq!(sim.order(Ask::DeactivateAgent, order(&agent_id)), Reply::Ok);
    assert_eq!(sim.types(&client), [event::Type::Rescind]);
    sim.simple(&client, call::Type::Revive);
    sim.advance(seconds(5.0));
    assert!(sim.types(&client).is_empty(), "no offer, and the task runs");
    assert_eq!(sim.order(Ask::ReactivateAgent, order(&agent_id)), Reply::Ok);
    assert_eq!(cpus(&sim.offer(&client)), 3.0);
    let refused = Reply::Refused(400, "Agent is not deactivated".into());
    assert_eq!(sim.order(Ask::ReactivateAgent, order(&agent_id)), refused);
    let unknown = AgentId { value: "nowhere".into() };
    let refused = Reply::Refused(400, "Unknown agent".into());
    assert_eq!(sim.order(Ask::DeactivateAgent, order(&unknown)), refused);
}
