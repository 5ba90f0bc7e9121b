//! Resources as text: ours, which `parse` reads again, and Mesos' own of its messages and logs, which nobody reads.

use super::Resources;
use super::item::{Disk, Item, Kind, Reservation, ReservationKind, Source, SourceKind};
use super::quantity::{Quantity, thousandths};
use super::read::{Reading, Type};
use crate::wire::{json, msg};
use std::fmt::{self, Display, Formatter, Write as _};

/// What stands between parts of the text form, and so in no name that it can hold.
const MARKS: &[char] = &[';', ':', '(', ')', '[', ']', '{', '}', ',', '"'];

/// The text that `parse` makes the same resources of: `cpus:4;mem(web):512` if that can say it all, else JSON.
pub(crate) fn text(resources: &Resources) -> String {
    match resources.items().iter().map(simple).collect::<Option<Vec<_>>>() {
        Some(parts) => parts.join(";"),
        None => {
            let mut out = vec![b'['];
            for bytes in resources.encode() {
                if out.len() > 1 {
                    out.push(b',');
                }
                json::encode(msg::RESOURCE, &bytes, &mut out);
            }
            out.push(b']');
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

/// `name(allocated: role)(role):value`; None if there is more to say.
fn simple(item: &Item) -> Option<String> {
    let mut out = item.kind.name.clone();
    if let Some(role) = &item.allocation {
        // writing to a String cannot fail, here and below
        let _ = write!(out, "(allocated: {role})");
    }
    let plain = match item.kind.reservations.as_slice() {
        [] => Item::plain(&item.kind.name, item.quantity.clone()),
        [Reservation { role: Some(role), .. }] => {
            let _ = write!(out, "({role})");
            Item::reserved(&item.kind.name, role, item.quantity.clone())
        }
        _ => return None,
    };
    // whatever the kind encodes to that a plain one does not, text cannot say
    let is_simple = item.kind == plain.kind && item.kind.encoded == plain.kind.encoded;
    let roles = [item.allocation.as_deref(), item.kind.role()].into_iter().flatten();
    let items = if let Quantity::Set(items) = &item.quantity { Some(items) } else { None };
    let names = roles.chain([item.kind.name.as_str()]).chain(items.into_iter().flatten().map(String::as_str));
    if !is_simple || !names.into_iter().all(is_simple_name) {
        return None;
    }
    let value = match &item.quantity {
        Quantity::Scalar(thousandths) => decimal(*thousandths),
        Quantity::Ranges(ranges) => format!("[{}]", joined(ranges, ",")),
        Quantity::Set(items) => {
            format!("{{{}}}", items.iter().map(String::as_str).collect::<Vec<_>>().join(","))
        }
    };
    Some(format!("{out}:{value}"))
}

/// As Mesos writes a value.
impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(thousandths) => f.write_str(&decimal(*thousandths)),
            Self::Ranges(ranges) => write!(f, "[{}]", joined(ranges, ", ")),
            Self::Set(items) => {
                write!(f, "{{{}}}", items.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn is_simple_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.contains(MARKS)
}

/// `4096.5`
fn decimal(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, part) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    let part = format!(".{part:03}");
    format!("{sign}{whole}{}", part.trim_end_matches('0').trim_end_matches('.'))
}

fn joined(ranges: &[(u64, u64)], between: &str) -> String {
    ranges.iter().map(|(begin, end)| format!("{begin}-{end}")).collect::<Vec<_>>().join(between)
}

/// As Mesos writes it, valid or not: `cpus(allocated: a)(reservations: [(STATIC,web)]):0.5`.
pub(crate) fn describe(resource: &Reading) -> String {
    let mut out = resource.kind.name.clone();
    if let Some(role) = &resource.allocation {
        let _ = write!(out, "(allocated: {role})");
    }
    out.push_str(&marks(&resource.kind));
    out.push(':');
    match resource.value {
        Type::Scalar => out.push_str(&decimal(resource.scalar.map_or(0, thousandths))),
        Type::Ranges => {
            let ranges = resource.ranges.as_deref().unwrap_or_default();
            let _ = write!(out, "[{}]", joined(ranges, ", "));
        }
        Type::Set => {
            let _ = write!(out, "{{{}}}", resource.set.as_deref().unwrap_or_default().join(", "));
        }
        Type::Text => {}
    }
    out
}

/// What Mesos writes between name and value.
fn marks(kind: &Kind) -> String {
    let mut out = String::new();
    if !kind.reservations.is_empty() {
        let each: Vec<_> = kind.reservations.iter().map(|each| format!("({})", reservation(each))).collect();
        let _ = write!(out, "(reservations: [{}])", each.join(","));
    }
    if let Some(disk) = &kind.disk {
        let _ = write!(out, "[{}]", self::disk(disk));
    }
    if kind.revocable {
        out.push_str("{REV}");
    }
    if kind.shared {
        out.push_str("<SHARED>");
    }
    out
}

fn reservation(reservation: &Reservation) -> String {
    let kind = match reservation.kind {
        Some(ReservationKind::Static) => "STATIC",
        Some(ReservationKind::Dynamic) => "DYNAMIC",
        _ => "UNKNOWN",
    };
    let mut out = format!("{kind},{}", reservation.role.as_deref().unwrap_or_default());
    if let Some(principal) = &reservation.principal {
        let _ = write!(out, ",{principal}");
    }
    if let Some(own) = &reservation.labels {
        let _ = write!(out, ",{}", labels(own));
    }
    out
}

pub(super) fn labels(labels: &[(String, Option<String>)]) -> String {
    let label = |(key, value): &(String, Option<String>)| match value {
        Some(value) => format!("{key}: {value}"),
        None => key.clone(),
    };
    format!("{{{}}}", labels.iter().map(label).collect::<Vec<_>>().join(", "))
}

fn disk(disk: &Disk) -> String {
    let mut out = disk.source.as_ref().map(source).unwrap_or_default();
    if let Some(id) = &disk.persistence {
        let comma = if disk.source.is_some() { "," } else { "" };
        let _ = write!(out, "{comma}{id}");
    }
    if let Some(volume) = &disk.volume {
        let _ = write!(out, ":{volume}");
    }
    out
}

fn source(source: &Source) -> String {
    let (kind, root) = match source.kind {
        SourceKind::Mount => ("MOUNT", &source.mount),
        SourceKind::Path => ("PATH", &source.path),
        SourceKind::Block => ("BLOCK", &None),
        SourceKind::Raw => ("RAW", &None),
        SourceKind::Unknown => return "UNKNOWN".into(),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    if source.id.is_some() || source.profile.is_some() {
        return format!("{kind}({},{},{})", text(&source.vendor), text(&source.id), text(&source.profile));
    }
    match root {
        Some(Some(root)) => format!("{kind}:{root}"),
        _ => kind.into(),
    }
}
