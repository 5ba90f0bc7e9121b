//! Offer constraints: agents that a framework wants nothing of, by what they say of themselves.
//!
//! # Invariants
//! * Of a role's groups one has to hold as a whole. A role without groups takes any agent.
//! * A condition on text holds for attributes of any other type, and the negated ones for those that an agent lacks.

use crate::proto::mesos::v1::scheduler::attribute_constraint::predicate::Predicate;
use crate::proto::mesos::v1::scheduler::attribute_constraint::selector::PseudoattributeType as Pseudoattribute;
use crate::proto::mesos::v1::scheduler::attribute_constraint::selector::Selector;
use crate::proto::mesos::v1::scheduler::{AttributeConstraint, OfferConstraints};
use crate::proto::mesos::v1::{Attribute, value};
use crate::validate;
use regex_lite::{Regex, RegexBuilder};
use std::collections::BTreeMap;

/// The largest regular expression, compiled. Mesos measures in units of its own library, and allows as little.
const LARGEST: usize = 16 * 1024;

/// What an agent says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    pub(crate) hostname: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// By role, the groups of which one has to hold.
#[derive(Debug, Default)]
pub(crate) struct Constraints(BTreeMap<String, Vec<Group>>);

type Group = Vec<Constraint>;

#[derive(Debug)]
struct Constraint {
    subject: Subject,
    condition: Condition,
}

#[derive(Debug)]
enum Subject {
    Attribute(String),
    Hostname,
    /// where an agent is: those of this cluster do not say
    Domain,
}

/// Each but the first two with what it is when it is negated: false.
#[derive(Debug)]
enum Condition {
    Exists,
    Absent,
    Equals(String, bool),
    Matches(Regex, bool),
}

/// What a condition is about.
enum Found<'a> {
    Nothing,
    Text(&'a str),
    /// of a type that conditions do not look into
    Other,
}

impl Constraints {
    /// Or why they are none, in Mesos' words.
    pub(crate) fn new(given: &OfferConstraints) -> Result<Self, String> {
        validate::offer_constraints(given)?;
        let roles = given.role_constraints.iter().map(|(role, constraints)| {
            let constraint = |given: &AttributeConstraint| {
                Constraint::new(given)
                    .map_err(|why| format!("A role {role} has an invalid 'AttributeConstraint': {why}"))
            };
            let group = |group: &Vec<AttributeConstraint>| group.iter().map(constraint).collect();
            let groups = constraints.groups.iter().map(|this| group(&this.attribute_constraints));
            Ok((role.clone(), groups.collect::<Result<Vec<Group>, String>>()?))
        });
        roles.collect::<Result<_, String>>().map(Self)
    }

    pub(super) fn excludes(&self, role: &str, agent: &Traits) -> bool {
        let holds = |group: &Group| group.iter().all(|constraint| constraint.holds(agent));
        self.0.get(role).is_some_and(|groups| !groups.iter().any(holds))
    }
}

impl Constraint {
    fn new(given: &AttributeConstraint) -> Result<Self, String> {
        let subject = match &given.selector.selector {
            Some(Selector::AttributeName(name)) => Subject::Attribute(name.clone()),
            Some(Selector::PseudoattributeType(kind)) => match Pseudoattribute::try_from(*kind) {
                Ok(Pseudoattribute::Hostname) => Subject::Hostname,
                _ => Subject::Domain,
            },
            None => Subject::Domain, // refused before
        };
        let condition = match &given.predicate.predicate {
            Some(Predicate::Exists(_)) => Condition::Exists,
            Some(Predicate::TextEquals(this)) => Condition::Equals(this.value.clone(), true),
            Some(Predicate::TextNotEquals(this)) => Condition::Equals(this.value.clone(), false),
            Some(Predicate::TextMatches(this)) => Condition::Matches(whole(&this.regex)?, true),
            Some(Predicate::TextNotMatches(this)) => Condition::Matches(whole(&this.regex)?, false),
            Some(Predicate::NotExists(_)) | None => Condition::Absent,
        };
        Ok(Self { subject, condition })
    }

    fn holds(&self, agent: &Traits) -> bool {
        self.condition.holds(&match &self.subject {
            Subject::Hostname => Found::Text(&agent.hostname),
            Subject::Domain => Found::Nothing,
            Subject::Attribute(name) => {
                match agent.attributes.iter().find(|attribute| attribute.name == *name) {
                    None => Found::Nothing,
                    Some(Attribute { text: Some(text), r#type, .. })
                        if *r#type == value::Type::Text as i32 =>
                    {
                        Found::Text(&text.value)
                    }
                    Some(_) => Found::Other,
                }
            }
        })
    }
}

impl Condition {
    fn holds(&self, found: &Found<'_>) -> bool {
        match (self, found) {
            (Self::Exists, found) => !matches!(found, Found::Nothing),
            (Self::Absent, found) => matches!(found, Found::Nothing),
            (Self::Equals(_, wanted) | Self::Matches(_, wanted), Found::Nothing) => !wanted,
            (_, Found::Other) => true,
            (Self::Equals(value, wanted), Found::Text(text)) => (value == text) == *wanted,
            (Self::Matches(regex, wanted), Found::Text(text)) => regex.is_match(text) == *wanted,
        }
    }
}

/// A regular expression that matches the whole of a text.
fn whole(pattern: &str) -> Result<Regex, String> {
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(LARGEST).build();
    // by itself first: what is no expression could be one between parentheses
    build(pattern)
        .and_then(|_| build(&format!(r"\A(?:{pattern})\z")))
        .map_err(|error| format!("Failed to construct regex from pattern '{pattern}': {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::attributes;
    use crate::proto::mesos::v1::scheduler::attribute_constraint::{self, predicate};
    use crate::proto::mesos::v1::scheduler::offer_constraints::{RoleConstraints, role_constraints};

    fn constraint(selector: Selector, predicate: Predicate) -> AttributeConstraint {
        AttributeConstraint {
            selector: attribute_constraint::Selector { selector: Some(selector) }.into(),
            predicate: attribute_constraint::Predicate { predicate: Some(predicate) }.into(),
        }
    }

    fn named(name: &str, predicate: Predicate) -> AttributeConstraint {
        constraint(Selector::AttributeName(name.into()), predicate)
    }

    fn constraints(groups: Vec<Vec<AttributeConstraint>>) -> Result<Constraints, String> {
        let group = |attribute_constraints| role_constraints::Group { attribute_constraints };
        let groups = groups.into_iter().map(group).collect();
        let role_constraints = [("r".to_owned(), RoleConstraints { groups })].into();
        Constraints::new(&OfferConstraints { role_constraints })
    }

    fn equals(value: &str) -> Predicate {
        Predicate::TextEquals(predicate::TextEquals { value: value.into() })
    }

    fn matches(regex: &str) -> Predicate {
        Predicate::TextMatches(predicate::TextMatches { regex: regex.into() })
    }

    fn agent() -> Traits {
        let attributes = attributes::parse("rack:a1;level:10;rack:b").unwrap();
        Traits { hostname: "h".into(), attributes }
    }

    #[test]
    fn each_condition_on_text_on_numbers_and_on_nothing() {
        let not_equals =
            |value: &str| Predicate::TextNotEquals(predicate::TextNotEquals { value: value.into() });
        let not_matches =
            |regex: &str| Predicate::TextNotMatches(predicate::TextNotMatches { regex: regex.into() });
        for (predicate, on_text, on_number, on_nothing) in [
            (Predicate::Exists(predicate::Exists {}), true, true, false),
            (Predicate::NotExists(predicate::NotExists {}), false, false, true),
            (equals("a1"), true, true, false),
            (equals("b"), false, true, false), // only the first of a name counts
            (not_equals("a1"), false, true, true),
            (not_equals("b"), true, true, true),
            (matches("a[0-9]"), true, true, false),
            (matches("a"), false, true, false),
            (matches("x|a1"), true, true, false),
            (not_matches("a[0-9]"), false, true, true),
            (not_matches("a"), true, true, true),
        ] {
            for (name, expected) in [("rack", on_text), ("level", on_number), ("none", on_nothing)] {
                let held = constraints(vec![vec![named(name, predicate.clone())]]).unwrap();
                assert_eq!(!held.excludes("r", &agent()), expected, "{name}: {predicate:?}");
            }
        }
    }

    #[test]
    fn one_group_has_to_hold_as_a_whole() {
        let host = |name: &str| {
            constraint(Selector::PseudoattributeType(Pseudoattribute::Hostname.into()), equals(name))
        };
        let no = || named("rack", equals("no"));
        let one = constraints(vec![vec![host("h"), no()], vec![host("h")]]).unwrap();
        assert!(!one.excludes("r", &agent()));
        assert!(!one.excludes("other", &agent()), "a role without constraints");
        let none = constraints(vec![vec![host("h"), no()], vec![host("x")]]).unwrap();
        assert!(none.excludes("r", &agent()));
        let zone = constraint(Selector::PseudoattributeType(Pseudoattribute::Zone.into()), equals("z"));
        assert!(constraints(vec![vec![zone]]).unwrap().excludes("r", &agent()));
    }

    #[test]
    fn what_is_no_regular_expression_is_refused() {
        for pattern in ["(", ")(", "a{2,1}", r"(a)\1", "(?:x{500}){500}"] {
            let why = constraints(vec![vec![named("rack", matches(pattern))]]).unwrap_err();
            let words =
                "A role r has an invalid 'AttributeConstraint': Failed to construct regex from pattern";
            assert!(why.starts_with(&format!("{words} '{pattern}': ")), "{why}");
        }
        assert!(constraints(vec![vec![]]).is_err() && constraints(vec![]).is_err());
    }
}
