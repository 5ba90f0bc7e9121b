//! Resources as text: the form in which an agent's are given, and the one in which Mesos' messages name them.

use super::{Kind, Quantity, Resources, coalesced, thousandths};
use crate::proto::mesos::v1::{Resource, value};
use std::fmt::Write as _;

/// Resources as Mesos writes them in its messages: `cpus(allocated: a):0.5; ports(allocated: a):[1-2]`.
pub(crate) fn describe(resources: &[Resource]) -> String {
    if resources.is_empty() {
        return "{}".into();
    }
    resources.iter().map(text).collect::<Vec<_>>().join("; ")
}

pub(super) fn text(resource: &Resource) -> String {
    let mut out = resource.name.clone();
    if let Some(allocation) = &resource.allocation_info {
        // writing to a String cannot fail, here and below
        let _ = write!(out, "(allocated: {})", allocation.role());
    }
    if resource.disk.is_some() {
        out.push_str("[disk]");
    }
    if resource.revocable.is_some() {
        out.push_str("{REV}");
    }
    if resource.shared.is_some() {
        out.push_str("<SHARED>");
    }
    out.push(':');
    match value::Type::try_from(resource.r#type) {
        Ok(value::Type::Scalar) => {
            let thousandths = resource.scalar.as_ref().map_or(0, |scalar| thousandths(scalar.value));
            let sign = if thousandths < 0 { "-" } else { "" };
            let (whole, part) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
            let part = format!(".{part:03}");
            let _ = write!(out, "{sign}{whole}{}", part.trim_end_matches('0').trim_end_matches('.'));
        }
        Ok(value::Type::Ranges) => {
            let ranges = resource.ranges.iter().flat_map(|ranges| &ranges.range);
            let ranges: Vec<_> = ranges.map(|range| format!("{}-{}", range.begin, range.end)).collect();
            let _ = write!(out, "[{}]", ranges.join(", "));
        }
        Ok(value::Type::Set) => {
            let items: Vec<_> = resource.set.iter().flat_map(|set| &set.item).map(String::as_str).collect();
            let _ = write!(out, "{{{}}}", items.join(", "));
        }
        _ => {}
    }
    out
}

/// Reads Mesos' text form, `cpus:4;mem:4096;ports:[31000-32000];devices:{a,b}`, as an agent's own resources.
pub(crate) fn parse(text: &str) -> Result<Resources, String> {
    let mut all = Resources::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, amount) = part.split_once(':').ok_or_else(|| format!("'{part}' is not NAME:AMOUNT"))?;
        let (name, amount) = (name.trim(), amount.trim());
        if name.is_empty() {
            return Err(format!("'{part}' has no name before the colon"));
        }
        if name.contains('(') {
            return Err(format!("'{part}' is reserved for a role, which the embedded cluster cannot do yet"));
        }
        let quantity = if let Some(inner) = amount.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Quantity::Ranges(coalesced(parse_ranges(part, inner)?))
        } else if let Some(inner) = amount.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
            Quantity::Set(items.map(str::to_owned).collect())
        } else {
            match amount.parse::<f64>() {
                Ok(value) if (0.0..1e12).contains(&value) => Quantity::Scalar(thousandths(value)),
                _ => return Err(format!("'{part}': '{amount}' is not a number, a [range] or a {{set}}")),
            }
        };
        if all.items.iter().any(|(kind, _)| kind.name == name) {
            return Err(format!("'{name}' is there twice"));
        }
        all.put(Kind { name: name.into(), extra: None }, quantity);
    }
    if all.is_empty() { Err("there are none, so that nothing could ever be offered".into()) } else { Ok(all) }
}

fn parse_ranges(part: &str, inner: &str) -> Result<Vec<(u64, u64)>, String> {
    let range = |text: &str| {
        let (begin, end) = text.trim().split_once('-')?;
        let (begin, end) = (begin.trim().parse().ok()?, end.trim().parse().ok()?);
        (begin <= end).then_some((begin, end))
    };
    let texts = inner.split(',').filter(|text| !text.trim().is_empty());
    texts.map(|text| range(text).ok_or_else(|| format!("'{part}': '{text}' is not BEGIN-END"))).collect()
}
