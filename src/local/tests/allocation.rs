//! Who is offered what, of several: shares, constraints, time limits.

use super::*;
use crate::proto::mesos::v1::scheduler::attribute_constraint::{self, predicate};
use crate::proto::mesos::v1::scheduler::call::UpdateFramework;
use crate::proto::mesos::v1::scheduler::offer_constraints::{RoleConstraints, role_constraints};
use crate::proto::mesos::v1::scheduler::{AttributeConstraint, OfferConstraints};
use crate::proto::mesos::v1::task_status::Reason;

const RESOURCES: &str = "cpus:4;mem:4096;ports:[31000-32000]";

#[test]
fn two_frameworks_share_the_agents_equally() {
    let mut sim = Sim::new(6, RESOURCES);
    let first = sim.subscribe(framework("first"));
    let offers = sim.offers(&first);
    assert_eq!(offers.len(), 6, "alone it is offered everything");
    let second = sim.subscribe(framework("second"));
    assert!(sim.offers(&second).is_empty());
    for offer in &offers {
        sim.decline(&first, offer, filters(0.0));
    }
    // the first that was given back was allocated at once, as time stands still; the rest comes with the next turn
    sim.advance(seconds(1.0));
    let (mine, yours) = (sim.offers(&first).len(), sim.offers(&second).len());
    assert_eq!((mine + yours, mine.abs_diff(yours) <= 1), (6, true), "{mine} {yours}");
}

#[test]
fn roles_are_served_before_frameworks_and_subtrees_are_one() {
    let mut sim = Sim::new(8, "cpus:1;mem:64");
    let holder = sim.subscribe(framework("holder"));
    let offers = sim.offers(&holder);
    let many: Vec<Client> = (0..3).map(|_| sim.subscribe(with_roles(framework("web"), &["web/a"]))).collect();
    let other = sim.subscribe(with_roles(framework("web"), &["web/b"]));
    let alone = sim.subscribe(with_roles(framework("batch"), &["batch"]));
    sim.simple(&holder, call::Type::Suppress);
    for offer in &offers {
        sim.decline(&holder, offer, filters(0.0));
    }
    sim.advance(seconds(1.0));
    let web: Vec<usize> = many.iter().map(|client| sim.offers(client).len()).collect();
    assert_eq!(sim.offers(&alone).len(), 4, "half for batch");
    assert_eq!(sim.offers(&other).len(), 2, "half of the other half for web/b");
    assert_eq!(web.iter().sum::<usize>(), 2, "the rest for three frameworks of web/a");
    assert!(web.iter().all(|offers| *offers <= 1));
}

#[test]
fn an_offer_is_taken_back_after_its_time_and_goes_to_who_has_less() {
    let resources = resources::parse(RESOURCES).unwrap();
    let offer_timeout = Some(seconds(10.0));
    let mut sim = Sim::with(1, Shape { resources, offer_timeout, ..Shape::default() });
    let keeper = sim.subscribe(framework("keeper"));
    let offer = sim.offer(&keeper);
    let other = sim.subscribe(framework("other"));
    sim.advance(seconds(9.9));
    assert!(sim.offers(&other).is_empty());
    sim.events(&keeper);
    sim.advance(seconds(0.2));
    let events = sim.events(&keeper);
    assert_eq!(events[0].rescind.as_ref().unwrap().offer_id, offer.id);
    assert_eq!(cpus(&sim.offer(&other)), 4.0, "who was served less often comes first");
    sim.accept(&keeper, &[&offer], vec![launch(vec![task("t", &offer, "cpus:1;mem:64")])], 0.0);
    assert_eq!(sim.status(&keeper).reason(), Reason::InvalidOffers);
}

#[test]
fn offer_constraints_choose_the_agents_by_role() {
    let resources = resources::parse(RESOURCES).unwrap();
    let attributes = ["rack:a", "rack:b", ""].map(|text| crate::local::attributes::parse(text).unwrap());
    let mut sim = Sim::with(3, Shape { resources, attributes: attributes.into(), ..Shape::default() });
    let info = with_roles(framework("f"), &["r"]);
    let subscribe = |role: &str, value: &str| Subscribe {
        framework_info: Box::new(info.clone()),
        offer_constraints: Some(only_rack(role, value)),
        ..Subscribe::default()
    };
    let client = sim.subscribe_with(subscribe("r", "b"));
    let offer = sim.offer(&client);
    assert_eq!(offer.attributes[0].text.as_ref().unwrap().value, "b");

    let mut update = UpdateFramework { framework_info: Box::new(info.clone()), ..UpdateFramework::default() };
    update.framework_info.id = Some(FrameworkId { value: client.framework.clone() });
    let call = |update: &UpdateFramework| Call {
        update_framework: Some(Box::new(update.clone())),
        ..call_of(call::Type::UpdateFramework)
    };
    let bad = OfferConstraints { role_constraints: [("r".to_owned(), RoleConstraints::default())].into() };
    update.offer_constraints = Some(bad.clone());
    let why = "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role r";
    let refused = Reply::Refused(400, format!("'UpdateFramework.offer_constraints' are not valid: {why}"));
    assert_eq!(sim.call(&client, call(&update)), refused);
    update.offer_constraints = Some(only_rack("r", "a"));
    assert_eq!(sim.call(&client, call(&update)), Reply::Ok);
    assert_eq!(sim.offer(&client).attributes[0].text.as_ref().unwrap().value, "a", "the other offer stays");
    update.offer_constraints = None;
    assert_eq!(sim.call(&client, call(&update)), Reply::Ok);
    assert!(sim.offer(&client).attributes.is_empty(), "none given: none held");
    let bad = sim.subscribe_with(Subscribe { offer_constraints: Some(bad), ..subscribe("r", "a") });
    assert_eq!(sim.events(&bad).remove(0).error.unwrap().message, why);
}

/// A constraint on the attribute `rack`.
fn only_rack(role: &str, value: &str) -> OfferConstraints {
    let value = predicate::TextEquals { value: value.into() };
    let constraint = AttributeConstraint {
        selector: Box::new(attribute_constraint::Selector {
            selector: Some(attribute_constraint::selector::Selector::AttributeName("rack".into())),
        }),
        predicate: Box::new(attribute_constraint::Predicate {
            predicate: Some(predicate::Predicate::TextEquals(value)),
        }),
    };
    let groups = vec![role_constraints::Group { attribute_constraints: vec![constraint] }];
    OfferConstraints { role_constraints: [(role.to_owned(), RoleConstraints { groups })].into() }
}
