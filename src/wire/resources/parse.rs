//! From text to resources: the two forms that Mesos' option `--resources` takes.
//!
//! `cpus:4;mem(web):512;ports:[31000-32000,33000-33000];devices:{a,b}`: each is a name, a role in parentheses (a
//! static reservation; `*` for none) and a value. What Mesos only writes is read too: `cpus(allocated: web):4`.
//! Or JSON: an array of `Resource`s.

use super::item::Item;
use super::quantity::{Quantity, amount};
use super::read::Reading;
use super::role;
use crate::wire::json::{self, Manner};
use crate::wire::{fields, msg};
use serde::de::IgnoredAny;
use std::sync::Arc;

/// The resources in a text, one by one; an error names the part and says what it should be. Those that name no
/// role are for `role`.
pub(crate) fn parse(text: &str, role: Option<&str>) -> Result<Vec<Item>, String> {
    if text.trim_start().starts_with('[') {
        return parse_json(text, role);
    }
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| parse_one(part, role)).collect()
}

fn parse_json(text: &str, role: Option<&str>) -> Result<Vec<Item>, String> {
    // an array, and nothing behind it: so it can be made the field of a message
    serde_json::from_str::<Vec<IgnoredAny>>(text).map_err(|error| error.to_string())?;
    let json = format!("{{\"resources\":{text}}}");
    let bytes = json::decode(msg::OFFER_OPERATION_RESERVE, json.as_bytes(), Manner::Lenient)
        .map_err(|error| error.to_string())?;
    let values = fields(&bytes).filter_map(|field| field.ok()?.1.bytes());
    values.map(|value| item(value, role)).collect()
}

/// The resource in these bytes, for `role` if it names none. The error is Mesos' words.
pub(crate) fn item(bytes: &[u8], role: Option<&str>) -> Result<Item, String> {
    match Reading::new(bytes).reserve(role).item() {
        Ok(item) => Ok(item),
        Err(why) => {
            Err(format!("Resource '{}' is invalid: {why}", super::print::describe(&Reading::new(bytes))))
        }
    }
}

fn parse_one(part: &str, role: Option<&str>) -> Result<Item, String> {
    let unclear = || format!("'{part}' is not name:value or name(role):value");
    let end = part.find(['(', ':']).ok_or_else(unclear)?;
    let (name, mut rest) = (part[..end].trim(), &part[end..]);
    let (mut own, mut allocation) = (None, None);
    while let Some(inner) = rest.strip_prefix('(') {
        let (group, behind) = inner.split_once(')').ok_or_else(unclear)?;
        let place = if group.starts_with("allocated:") { &mut allocation } else { &mut own };
        let role = group.strip_prefix("allocated:").unwrap_or(group).trim();
        if role.is_empty() || place.replace(role).is_some() {
            return Err(unclear());
        }
        rest = behind.trim_start();
    }
    let value = rest.strip_prefix(':').filter(|_| !name.is_empty()).ok_or_else(unclear)?;
    let quantity = quantity(name, value)?;
    let mut item = named(name, quantity, own.or(role))?;
    if let Some(role) = allocation {
        role::check(role)?;
        item.allocation = Some(Arc::from(role));
    }
    Ok(item)
}

/// A quantity of that name, reserved for a role if it is one (and not `*`).
pub(crate) fn named(name: &str, quantity: Quantity, role: Option<&str>) -> Result<Item, String> {
    match role.filter(|role| *role != "*") {
        None => Ok(Item::plain(name, quantity)),
        Some(role) => role::check(role).map(|()| Item::reserved(name, role, quantity)),
    }
}

/// A value of the text form.
pub(crate) fn quantity(name: &str, text: &str) -> Result<Quantity, String> {
    let text = text.trim();
    let inside = |open, close| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let listed = |inner: &'_ str| -> Vec<String> {
        inner.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    if let Some(inner) = inside('[', ']') {
        let ranges = listed(inner).iter().map(|part| range(name, part)).collect::<Result<Vec<_>, _>>()?;
        return Ok(Quantity::ranges(ranges));
    }
    if let Some(inner) = inside('{', '}') {
        return Ok(Quantity::Set(listed(inner).into_iter().collect()));
    }
    let value: f64 = text.parse().map_err(|_| {
        format!("'{name}': '{text}' is neither a number, ranges [1-5,7-9], nor a set {{a,b}}")
    })?;
    amount(value).map(Quantity::Scalar).map_err(|why| format!("'{name}': {text} is no amount: {why}"))
}

fn range(name: &str, part: &str) -> Result<(u64, u64), String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = part.split_once('-').map(|(begin, end)| (begin.trim(), end.trim()));
    let (begin, end) = ends
        .filter(|(begin, end)| is_number(begin) && is_number(end))
        .ok_or_else(|| format!("'{name}': '{part}' is no range such as 31000-32000"))?;
    match (begin.parse(), end.parse()) {
        (Ok(begin), Ok(end)) if begin <= end => Ok((begin, end)),
        _ => Err(format!("'{name}': the range {begin}-{end} is empty or out of bounds")),
    }
}
