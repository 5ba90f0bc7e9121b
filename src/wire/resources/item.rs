//! One resource: a quantity, and what it is a quantity of.
//!
//! # Invariants
//! * A reservation is in the form of `Resource.reservations`: the older `role` and `reservation` are turned into it.
//! * What a kind encodes to, besides name, value and allocation, is kept as it came: unknown fields too, and where a
//!   volume is mounted. It is not compared.

use super::quantity::Quantity;
use crate::wire::{Writer, field, field::resource as number};
use std::sync::Arc;

/// A quantity of something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) kind: Arc<Kind>,
    /// the role it is allocated to
    pub(crate) allocation: Option<Arc<str>>,
    pub(crate) quantity: Quantity,
    /// of a shared resource, how often it is there: it is not the quantity that grows; else 1
    pub(crate) uses: u16,
}

/// What a quantity is a quantity of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) provider: Option<String>,
    /// each refines the one before; empty: unreserved
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) disk: Option<Disk>,
    pub(crate) revocable: bool,
    pub(crate) shared: bool,
    /// the fields for all of this, encoded: those with numbers below that of `allocation_info`, and the others
    pub(super) encoded: [Vec<u8>; 2],
}

/// `Resource.ReservationInfo`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) kind: Option<ReservationKind>,
    pub(crate) role: Option<String>,
    pub(crate) principal: Option<String>,
    pub(crate) labels: Option<Labels>,
}

/// `Resource.ReservationInfo.Type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReservationKind {
    Unknown,
    Static,
    Dynamic,
}

/// Keys and values, sorted: their order means nothing.
pub(crate) type Labels = Vec<(String, Option<String>)>;

/// `Resource.DiskInfo`
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) source: Option<Source>,
    /// the id of a persistent volume
    pub(crate) persistence: Option<String>,
    /// where a task sees it, as Mesos writes it: says nothing of the resource
    pub(crate) volume: Option<String>,
}

/// `Resource.DiskInfo.Source`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    /// for PATH, if there is one: and the directory, if that is known
    pub(crate) path: Option<Option<String>>,
    /// the same for MOUNT
    pub(crate) mount: Option<Option<String>>,
    pub(crate) vendor: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) metadata: Option<Labels>,
    pub(crate) profile: Option<String>,
}

/// `Resource.DiskInfo.Source.Type`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SourceKind {
    #[default]
    Unknown,
    Path,
    Mount,
    Block,
    Raw,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.reservations == other.reservations
            && self.disk == other.disk
            && (self.revocable, self.shared) == (other.revocable, other.shared)
            && self.provider == other.provider
    }
}

impl PartialEq for Disk {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.persistence == other.persistence
    }
}

impl Kind {
    /// The role it is reserved for: the last of them counts.
    pub(crate) fn role(&self) -> Option<&str> {
        self.reservations.last().and_then(|reservation| reservation.role.as_deref())
    }

    /// Whether the last reservation was made with RESERVE.
    pub(crate) fn is_dynamically_reserved(&self) -> bool {
        self.reservations.last().is_some_and(|last| last.kind == Some(ReservationKind::Dynamic))
    }

    pub(crate) fn is_volume(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
    }

    /// Whether it is only to be had whole: half a mounted file system, or half of a volume, does not exist.
    pub(crate) fn is_whole(&self) -> bool {
        let source = self.disk.as_ref().and_then(|disk| disk.source.as_ref());
        self.is_volume()
            || source.is_some_and(|source| match source.kind {
                SourceKind::Mount | SourceKind::Block => true,
                SourceKind::Raw => source.id.is_some(),
                SourceKind::Path | SourceKind::Unknown => false,
            })
    }
}

impl Item {
    /// Unreserved and unallocated.
    pub(crate) fn plain(name: &str, quantity: Quantity) -> Self {
        let kind = Kind { name: name.into(), ..Kind::default() };
        Self { kind: Arc::new(kind), allocation: None, quantity, uses: 1 }
    }

    /// Statically reserved for a role.
    pub(crate) fn reserved(name: &str, role: &str, quantity: Quantity) -> Self {
        let reservation = Reservation {
            kind: Some(ReservationKind::Static),
            role: Some(role.into()),
            ..Reservation::default()
        };
        let encoded = [Vec::new(), reservation.encoded()];
        let kind = Kind { name: name.into(), reservations: vec![reservation], encoded, ..Kind::default() };
        Self { kind: Arc::new(kind), allocation: None, quantity, uses: 1 }
    }

    /// The same, reserved for nobody: to compare with, not to send.
    pub(super) fn unreserved(&self) -> Self {
        let kind = Kind { reservations: Vec::new(), ..(*self.kind).clone() };
        Self { kind: Arc::new(kind), ..self.clone() }
    }

    /// What this has of something `wanted` that is not reserved, whatever this is reserved for.
    pub(super) fn part(&self, wanted: &Self) -> Option<Self> {
        if !self.unreserved().is_subtractable(wanted) {
            return None;
        }
        let quantity = self.quantity.common(&wanted.quantity);
        let part = Self { quantity, uses: self.uses.min(wanted.uses), ..self.clone() };
        (!part.is_empty()).then_some(part)
    }

    /// Whether the two can be one.
    pub(super) fn is_addable(&self, other: &Self) -> bool {
        self.allocation == other.allocation
            && self.is_same_kind(other)
            && if self.kind.shared { self.quantity == other.quantity } else { !self.kind.is_whole() }
    }

    /// Whether some of this can make up for `other`. Whom that is allocated to counts only if it says so.
    pub(super) fn is_subtractable(&self, other: &Self) -> bool {
        (other.allocation.is_none() || self.allocation == other.allocation)
            && self.is_same_kind(other)
            && (!(self.kind.shared || self.kind.is_whole()) || self.quantity == other.quantity)
    }

    /// Whether all of `other` is in here.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.is_subtractable(other) && self.uses >= other.uses && self.quantity.contains(&other.quantity)
    }

    fn is_same_kind(&self, other: &Self) -> bool {
        self.quantity.same_type(&other.quantity)
            && (Arc::ptr_eq(&self.kind, &other.kind) || self.kind == other.kind)
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.kind.shared {
            self.uses = self.uses.saturating_add(other.uses);
        } else {
            self.quantity.add(&other.quantity);
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        if self.kind.shared {
            self.uses = self.uses.saturating_sub(other.uses);
        } else {
            self.quantity.subtract(&other.quantity);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.uses == 0 || self.quantity.is_empty()
    }

    /// The wire form: a `Resource`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.string(number::NAME, &self.kind.name);
        match &self.quantity {
            Quantity::Scalar(thousandths) => out.varint(number::TYPE, 0).message(number::SCALAR, |out| {
                out.double(field::value_scalar::VALUE, super::number(*thousandths));
            }),
            Quantity::Ranges(ranges) => out.varint(number::TYPE, 1).message(number::RANGES, |out| {
                for (begin, end) in ranges {
                    out.message(field::value_ranges::RANGE, |out| {
                        out.varint(field::value_range::BEGIN, *begin);
                        out.varint(field::value_range::END, *end);
                    });
                }
            }),
            Quantity::Set(items) => out.varint(number::TYPE, 2).message(number::SET, |out| {
                for item in items {
                    out.string(field::value_set::ITEM, item);
                }
            }),
        };
        out.encoded(&self.kind.encoded[0]);
        if let Some(role) = &self.allocation {
            out.message(number::ALLOCATION_INFO, |out| {
                out.string(field::resource_allocation_info::ROLE, role);
            });
        }
        out.encoded(&self.kind.encoded[1]);
        out.finish()
    }
}

impl Reservation {
    /// As an item of `Resource.reservations`.
    pub(super) fn encoded(&self) -> Vec<u8> {
        use field::resource_reservation_info as number;
        let mut out = Writer::new();
        out.message(field::resource::RESERVATIONS, |out| {
            if let Some(principal) = &self.principal {
                out.string(number::PRINCIPAL, principal);
            }
            if let Some(labels) = &self.labels {
                out.message(number::LABELS, |out| labels.iter().for_each(|label| write_label(out, label)));
            }
            if let Some(role) = &self.role {
                out.string(number::ROLE, role);
            }
            if let Some(kind) = self.kind {
                out.varint(number::TYPE, kind as u64);
            }
        });
        out.finish()
    }
}

fn write_label(out: &mut Writer, (key, value): &(String, Option<String>)) {
    out.message(field::labels::LABELS, |out| {
        out.string(field::label::KEY, key);
        if let Some(value) = value {
            out.string(field::label::VALUE, value);
        }
    });
}
