//! The cluster's side of resource arithmetic, which is `wire::resources`': from and to the cluster's own messages.
//!
//! # Invariants
//! * What the master and the allocator hold is not allocated: who holds it knows the role.

pub(crate) use crate::validate::resources::of;
pub(crate) use crate::wire::resources::Resources;

use crate::proto::mesos::v1::Resource;
use crate::wire::resources::{self, Item, Quantity, Reading};
use prost::Message as _;
use std::collections::BTreeSet;

/// As messages allocated to `role`, in the order in which Mesos offers them: scalars last.
pub(crate) fn to_proto(resources: &Resources, role: &str) -> Vec<Resource> {
    let is_scalar = |item: &Item| matches!(item.quantity, Quantity::Scalar(_));
    let all = resources.allocated(Some(role));
    let parts = [all.filter(|item| !is_scalar(item)), all.filter(is_scalar)];
    // what was encoded here cannot fail to decode
    parts.iter().flat_map(Resources::encode).filter_map(|bytes| Resource::decode(&bytes[..]).ok()).collect()
}

/// As messages, allocated to nobody.
pub(crate) fn unallocated(resources: &Resources) -> Vec<Resource> {
    let mut all = to_proto(resources, "*");
    all.iter_mut().for_each(|resource| resource.allocation_info = None);
    all
}

/// Why Mesos would refuse a resource, in its words.
pub(crate) fn check(resource: &Resource) -> Option<String> {
    resources::check(&resource.encode_to_vec()).err()
}

/// Resources as Mesos writes them in its messages: `cpus(allocated: a):0.5; ports(allocated: a):[1-2]`.
pub(crate) fn describe(resources: &[Resource]) -> String {
    if resources.is_empty() {
        return "{}".into();
    }
    let text = |resource: &Resource| resources::describe(&Reading::new(&resource.encode_to_vec()));
    resources.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// Reads an agent's own resources, as Mesos' option `--resources` has them.
pub(crate) fn parse(text: &str) -> Result<Resources, String> {
    let items = resources::parse(text, None)?;
    let mut names = BTreeSet::new();
    for item in &items {
        let name = &item.kind.name;
        if item.kind.disk.is_some() || item.kind.revocable || item.kind.shared || item.kind.provider.is_some()
        {
            return Err(format!(
                "'{name}' is more than a name, a role and a value, which the embedded cluster cannot do yet"
            ));
        }
        if !names.insert((name, item.kind.role())) {
            return Err(format!("'{name}' is there twice"));
        }
    }
    let all: Resources = items.iter().cloned().collect();
    if all.is_empty() { Err("there are none, so that nothing could ever be offered".into()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::value;

    #[test]
    fn messages_come_back_scalars_last() {
        let all = parse("cpus:4;mem:4096.5; ports:[31000-32000, 5-6];devices:{a,b}").unwrap();
        let mut messages = to_proto(&all, "r");
        assert!(messages.iter().all(|resource| resource.allocation_info.as_ref().unwrap().role() == "r"));
        assert_eq!(of(&messages), all);
        messages.iter_mut().for_each(|resource| resource.allocation_info = None);
        assert_eq!(describe(&messages), "ports:[5-6, 31000-32000]; devices:{a, b}; cpus:4; mem:4096.5");
    }

    #[test]
    fn bad_text_is_named() {
        for (text, word) in [
            ("cpus", "'cpus' is not name:value"),
            ("cpus:x", "neither a number"),
            ("cpus:-1", "no amount"),
            ("cpus:nan", "no amount"),
            ("ports:[2-1]", "2-1 is empty"),
            ("ports:[a]", "'a' is no range"),
            ("cpus:1;cpus:2", "twice"),
            (":1", "not name:value"),
            ("", "none"),
            (r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"revocable":{}}]"#, "more than"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn refusals_in_mesos_words() {
        let scalar = |value| Resource {
            name: "cpus".into(),
            scalar: Some(value::Scalar { value }),
            ..Resource::default()
        };
        assert_eq!(check(&scalar(1.0)), None);
        assert_eq!(check(&scalar(0.0)), None);
        let why = "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0";
        assert_eq!(check(&scalar(-1.0)).as_deref(), Some(why));
        assert!(check(&scalar(0.0001)).is_some());
        let nothing = Resource { name: "x".into(), ..Resource::default() };
        assert_eq!(check(&nothing).as_deref(), Some("Resource 'x:0' is invalid: Invalid scalar resource"));
    }

    #[test]
    fn another_kind_is_not_contained() {
        let all = parse("cpus:4").unwrap();
        let mut reserved = to_proto(&parse("cpus:1").unwrap(), "*");
        assert!(all.contains(&of(&reserved)));
        #[expect(deprecated, reason = "what old frameworks send")]
        {
            reserved[0].role = Some("*".into());
            assert!(all.contains(&of(&reserved)));
            reserved[0].role = Some("web".into());
        }
        assert!(!all.contains(&of(&reserved)));
    }
}
