//! From the wire bytes of a `Resource` to what they say, before anybody asks whether it makes sense.
//!
//! # Invariants
//! * Takes validated bytes. The last of several scalars counts, the parts of a split message are one, and values
//!   that an enum does not have count as unset: as in the message classes.
//! * Text that is not UTF-8 is read with U+FFFD in the place of what is not.

use super::item::{Disk, Item, Kind, Labels, Reservation, ReservationKind, Source, SourceKind};
use super::quantity::{Quantity, amount};
use crate::wire::spans::{merged, settled};
use crate::wire::{
    Bits, Field, Label, Message, Span, double, field, field::resource as number, msg, spans, varint,
};
use std::sync::Arc;

/// What a `Resource` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(super) kind: Kind,
    pub(super) value: Type,
    pub(super) scalar: Option<f64>,
    pub(super) ranges: Option<Vec<(u64, u64)>>,
    pub(super) set: Option<Vec<String>>,
    pub(super) allocation: Option<String>,
    /// `role` and `reservation`: how reservations were written before they could be refined
    pub(super) old_role: Option<String>,
    pub(super) old_reservation: Option<Reservation>,
}

/// `Value.Type`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Type {
    #[default]
    Scalar,
    Ranges,
    Set,
    Text,
}

impl Reading {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        each(msg::RESOURCE, bytes, |at, value| match at {
            number::NAME => read.kind.name = text(value),
            number::TYPE => {
                read.value = match varint(value) {
                    0 => Type::Scalar,
                    1 => Type::Ranges,
                    2 => Type::Set,
                    _ => Type::Text,
                }
            }
            number::SCALAR => read.scalar = Some(scalar(value)),
            number::RANGES => read.ranges = Some(ranges(value)),
            number::SET => read.set = Some(texts(msg::VALUE_SET, value)),
            number::ROLE => read.old_role = Some(text(value)),
            number::ALLOCATION_INFO => {
                read.allocation = texts(msg::RESOURCE_ALLOCATION_INFO, value).into_iter().next_back();
            }
            number::RESERVATION => read.old_reservation = Some(reservation(value)),
            number::RESERVATIONS => read.kind.reservations.push(reservation(value)),
            number::DISK => read.kind.disk = Some(disk(value)),
            number::REVOCABLE => read.kind.revocable = true,
            number::SHARED => read.kind.shared = true,
            number::PROVIDER_ID => {
                read.kind.provider = texts(msg::RESOURCE_PROVIDER_ID, value).into_iter().next_back();
            }
            _ => {}
        });
        read.kind.encoded = rest(bytes);
        read
    }

    /// Reserves it for `role`, unless it names a role itself.
    pub(crate) fn reserve(mut self, role: Option<&str>) -> Self {
        if self.old_role.is_none() && self.kind.reservations.is_empty() {
            self.old_role = role.map(str::to_owned);
        }
        self
    }

    /// The resource, if Mesos would take it; or why it would not, in its words.
    pub(crate) fn item(mut self) -> Result<Item, String> {
        self.check()?;
        let quantity = match self.value {
            Type::Scalar => Quantity::Scalar(amount(self.scalar.unwrap_or_default())?),
            Type::Ranges => Quantity::ranges(self.ranges.unwrap_or_default()),
            Type::Set | Type::Text => Quantity::Set(self.set.unwrap_or_default().into_iter().collect()),
        };
        let role = self.old_role.filter(|role| role != "*" && self.kind.reservations.is_empty());
        if let Some(role) = role {
            let kind = match self.old_reservation {
                Some(_) => ReservationKind::Dynamic,
                None => ReservationKind::Static,
            };
            let reservation = Reservation {
                kind: Some(kind),
                role: Some(role),
                ..self.old_reservation.unwrap_or_default()
            };
            self.kind.encoded[1].extend(reservation.encoded());
            self.kind.reservations.push(reservation);
        }
        let allocation = self.allocation.map(Arc::from);
        Ok(Item { kind: Arc::new(self.kind), allocation, quantity, uses: 1 })
    }
}

/// The fields that say what kind of resource it is, and those that nobody knows: those numbered below
/// `allocation_info`, and the others. `reservation` is left out: `reservations` take its place.
fn rest(bytes: &[u8]) -> [Vec<u8>; 2] {
    let mut rest = [Vec::new(), Vec::new()];
    for span in spans(msg::RESOURCE, bytes) {
        match span.field.map(|index| msg::RESOURCE.fields[usize::from(index)].number) {
            Some(number::DISK | number::REVOCABLE | number::SHARED) => {
                rest[0].extend_from_slice(span.whole(bytes));
            }
            Some(number::PROVIDER_ID | number::RESERVATIONS) | None => {
                rest[1].extend_from_slice(span.whole(bytes));
            }
            Some(_) => {}
        }
    }
    rest
}

/// Hands over the values of one level with their field numbers. A scalar may come several times, and then the last
/// counts; a singular message comes once, whole.
fn each(message: &'static Message, level: &[u8], mut take: impl FnMut(u32, &[u8])) {
    let field = |span: &Span| span.field.map(|index| &message.fields[usize::from(index)]);
    let is_part = |field: &Field| field.label != Label::Repeated && field.message().is_some();
    let mut seen: Bits = 0;
    let is_split = message.fields.iter().any(is_part)
        && spans(message, level).any(|span| {
            let bit = span.field.map_or(0, |index| 1 << index);
            let before = seen;
            seen |= bit;
            before & bit != 0 && field(&span).is_some_and(is_part)
        });
    if !is_split {
        for span in spans(message, level) {
            if let Some(field) = field(&span) {
                take(field.number, span.value(level));
            }
        }
        return;
    }
    for parts in settled(message, level).chunk_by(|one, next| one.field == next.field) {
        match field(&parts[0]) {
            Some(field) if is_part(field) => take(field.number, &merged(parts, level)),
            Some(field) => parts.iter().for_each(|part| take(field.number, part.value(level))),
            None => {}
        }
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// All that a message holds which is nothing but text.
fn texts(message: &'static Message, level: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    each(message, level, |_, value| found.push(text(value)));
    found
}

fn scalar(level: &[u8]) -> f64 {
    let mut found = 0.0;
    each(msg::VALUE_SCALAR, level, |_, value| found = double(value));
    found
}

fn ranges(level: &[u8]) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    each(msg::VALUE_RANGES, level, |_, range| {
        let (mut begin, mut end) = (0, 0);
        each(msg::VALUE_RANGE, range, |at, value| match at {
            field::value_range::BEGIN => begin = varint(value),
            _ => end = varint(value),
        });
        found.push((begin, end));
    });
    found
}

fn labels(level: &[u8]) -> Labels {
    let mut found = Vec::new();
    each(msg::LABELS, level, |_, label| {
        let (mut key, mut own) = (String::new(), None);
        each(msg::LABEL, label, |at, value| match at {
            field::label::KEY => key = text(value),
            _ => own = Some(text(value)),
        });
        found.push((key, own));
    });
    found.sort_unstable();
    found
}

fn reservation(level: &[u8]) -> Reservation {
    use field::resource_reservation_info as number;
    let mut found = Reservation::default();
    each(msg::RESOURCE_RESERVATION_INFO, level, |at, value| match at {
        number::TYPE => {
            found.kind = Some(match varint(value) {
                1 => ReservationKind::Static,
                2 => ReservationKind::Dynamic,
                _ => ReservationKind::Unknown,
            });
        }
        number::ROLE => found.role = Some(text(value)),
        number::PRINCIPAL => found.principal = Some(text(value)),
        number::LABELS => found.labels = Some(labels(value)),
        _ => {}
    });
    found
}

fn disk(level: &[u8]) -> Disk {
    use field::resource_disk_info as number;
    let mut found = Disk::default();
    each(msg::RESOURCE_DISK_INFO, level, |at, value| match at {
        number::SOURCE => found.source = Some(source(value)),
        number::PERSISTENCE => {
            let mut id = String::new();
            each(msg::RESOURCE_DISK_INFO_PERSISTENCE, value, |at, value| {
                if at == field::resource_disk_info_persistence::ID {
                    id = text(value);
                }
            });
            found.persistence = Some(id);
        }
        number::VOLUME => found.volume = Some(volume(value)),
        _ => {}
    });
    found
}

fn source(level: &[u8]) -> Source {
    use field::resource_disk_info_source as number;
    let mut found = Source::default();
    each(msg::RESOURCE_DISK_INFO_SOURCE, level, |at, value| match at {
        number::TYPE => {
            found.kind = match varint(value) {
                1 => SourceKind::Path,
                2 => SourceKind::Mount,
                3 => SourceKind::Block,
                4 => SourceKind::Raw,
                _ => SourceKind::Unknown,
            };
        }
        number::PATH => {
            found.path = Some(texts(msg::RESOURCE_DISK_INFO_SOURCE_PATH, value).into_iter().next_back());
        }
        number::MOUNT => {
            found.mount = Some(texts(msg::RESOURCE_DISK_INFO_SOURCE_MOUNT, value).into_iter().next_back());
        }
        number::VENDOR => found.vendor = Some(text(value)),
        number::ID => found.id = Some(text(value)),
        number::METADATA => found.metadata = Some(labels(value)),
        number::PROFILE => found.profile = Some(text(value)),
        _ => {}
    });
    found
}

/// `host:container:rw`, as Mesos writes it.
fn volume(level: &[u8]) -> String {
    use field::volume as number;
    let (mut container, mut host, mut mode) = (String::new(), None, "");
    each(msg::VOLUME, level, |at, value| match at {
        number::CONTAINER_PATH => container = text(value),
        number::HOST_PATH => host = Some(text(value)),
        number::MODE => mode = if varint(value) == 1 { ":rw" } else { ":ro" },
        _ => {}
    });
    host.map_or_else(|| container.clone(), |host| format!("{host}:{container}{mode}"))
}
