//! What Mesos refuses of a resource, in its order and words.

use super::item::{Reservation, ReservationKind, Source, SourceKind};
use super::read::{Reading, Type};
use super::{print, quantity, role};
use std::collections::BTreeSet;

type Checked = Result<(), String>;

/// Why Mesos would refuse the resource in these bytes.
pub(crate) fn check(bytes: &[u8]) -> Checked {
    let reading = Reading::new(bytes);
    reading.check().map_err(|why| format!("Resource '{}' is invalid: {why}", print::describe(&reading)))
}

fn refuse(why: impl Into<String>) -> Checked {
    Err(why.into())
}

impl Reading {
    pub(super) fn check(&self) -> Checked {
        if self.kind.name.is_empty() {
            return refuse("Empty resource name");
        }
        match self.value {
            Type::Scalar => self.scalar()?,
            Type::Ranges => self.ranges()?,
            Type::Set => self.set()?,
            Type::Text => return refuse("Unsupported resource type"),
        }
        self.disk()?;
        match self.kind.reservations.as_slice() {
            [] => self.old_reservation()?,
            [only] => only.check().and_then(|()| self.both_forms(only))?,
            [first, rest @ ..] => {
                first.check()?;
                self.refined(first, rest)?;
            }
        }
        self.shared()
    }

    fn scalar(&self) -> Checked {
        match self.scalar {
            Some(value) if self.ranges.is_none() && self.set.is_none() => {
                let thousandths = quantity::thousandths(value);
                if value != 0.0 && thousandths <= 0 {
                    return refuse("Invalid scalar resource: value <= 0");
                }
                // Mesos would not know what to do with it, either
                if thousandths > quantity::LARGEST {
                    return refuse("Invalid scalar resource: value too large");
                }
                Ok(())
            }
            _ => refuse("Invalid scalar resource"),
        }
    }

    fn ranges(&self) -> Checked {
        let Some(ranges) = self.ranges.as_ref().filter(|_| self.scalar.is_none() && self.set.is_none())
        else {
            return refuse("Invalid ranges resource");
        };
        let mut sorted = ranges.clone();
        sorted.sort_unstable();
        if sorted.iter().any(|(begin, end)| begin > end) {
            return refuse("Invalid ranges resource: begin > end");
        }
        if sorted.windows(2).any(|pair| pair[1].0 <= pair[0].1) {
            return refuse("Invalid ranges resource: overlapping ranges");
        }
        Ok(())
    }

    fn set(&self) -> Checked {
        let Some(items) = self.set.as_ref().filter(|_| self.scalar.is_none() && self.ranges.is_none()) else {
            return refuse("Invalid set resource");
        };
        if items.iter().collect::<BTreeSet<_>>().len() < items.len() {
            return refuse("Invalid set resource: duplicated elements");
        }
        Ok(())
    }

    fn disk(&self) -> Checked {
        let Some(disk) = &self.kind.disk else { return Ok(()) };
        if self.kind.name != "disk" {
            return Err(format!("DiskInfo should not be set for {} resource", self.kind.name));
        }
        match &disk.source {
            Some(source) => source.check(),
            None => Ok(()),
        }
    }

    fn old_reservation(&self) -> Checked {
        let name = self.old_role.as_deref().unwrap_or("*");
        role::check(name)?;
        match &self.old_reservation {
            None => Ok(()),
            Some(old) if old.kind.is_some() => {
                refuse("'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field")
            }
            Some(old) if old.role.is_some() => {
                refuse("'Resource.ReservationInfo.role' must not be set for the 'Resource.reservation' field")
            }
            Some(_) if name == "*" => {
                refuse("Invalid reservation: role \"*\" cannot be dynamically reserved")
            }
            Some(_) => Ok(()),
        }
    }

    /// One reservation may be there in the old form, too, if it says the same.
    fn both_forms(&self, only: &Reservation) -> Checked {
        let role = only.role.as_deref().unwrap_or_default();
        if let Some(old) = self.old_role.as_ref().filter(|old| *old != role) {
            return Err(format!(
                "Invalid resource format: 'Resource.role' field with '{old}' does not match the role '{role}' \
                 in 'Resource.reservations'"
            ));
        }
        match (only.kind, &self.old_reservation) {
            (Some(ReservationKind::Static), Some(_)) => refuse(
                "Invalid resource format: 'Resource.reservation' must not be set if the single reservation in \
                 'Resource.reservations' is STATIC",
            ),
            (Some(ReservationKind::Dynamic), old) if self.old_role.is_some() != old.is_some() => refuse(
                "Invalid resource format: 'Resource.role' and 'Resource.reservation' must either be both set \
                 or both not set if the single reservation in 'Resource.reservations' is DYNAMIC",
            ),
            (Some(ReservationKind::Dynamic), Some(old)) if old.principal != only.principal => Err(format!(
                "Invalid resource format: 'Resource.reservation.principal' field with '{}' does not match \
                     the principal '{}' in 'Resource.reservations'",
                old.principal.as_deref().unwrap_or_default(),
                only.principal.as_deref().unwrap_or_default()
            )),
            (Some(ReservationKind::Dynamic), Some(old)) if old.labels != only.labels => Err(format!(
                "Invalid resource format: 'Resource.reservation.labels' field with '{}' does not match the \
                 labels '{}' in 'Resource.reservations'",
                print::labels(old.labels.as_deref().unwrap_or_default()),
                print::labels(only.labels.as_deref().unwrap_or_default())
            )),
            (Some(ReservationKind::Unknown) | None, _) => {
                refuse("Unsupported 'Resource.ReservationInfo.Type'")
            }
            _ => Ok(()),
        }
    }

    /// Each of several reservations is for a role below the one before.
    fn refined(&self, first: &Reservation, rest: &[Reservation]) -> Checked {
        rest.iter().try_for_each(Reservation::check)?;
        let mut ancestor = first.role.as_deref().unwrap_or_default();
        for reservation in rest {
            if reservation.kind == Some(ReservationKind::Static) {
                return refuse("Invalid refined reservation: A refined reservation cannot be STATIC");
            }
            let role = reservation.role.as_deref().unwrap_or_default();
            if !role::is_below(role, ancestor) {
                return Err(format!(
                    "Invalid refined reservation: role '{role}' is not a refinement of '{ancestor}'"
                ));
            }
            ancestor = role;
        }
        let old = [("role", self.old_role.is_some()), ("reservation", self.old_reservation.is_some())];
        match old.iter().find(|(_, set)| *set) {
            Some((field, _)) => Err(format!(
                "Invalid resource format: 'Resource.{field}' must not be set if there is more than one \
                 reservation in 'Resource.reservations'"
            )),
            None => Ok(()),
        }
    }

    fn shared(&self) -> Checked {
        if self.kind.shared && self.kind.name != "disk" {
            return Err(format!("Resource {} cannot be shared", self.kind.name));
        }
        if self.kind.shared && !self.kind.is_volume() {
            return refuse("Only persistent volumes can be shared");
        }
        Ok(())
    }
}

impl Reservation {
    fn check(&self) -> Checked {
        if self.kind.is_none() {
            return refuse("Invalid reservation: 'Resource.ReservationInfo.type' field must be set.");
        }
        let Some(role) = &self.role else {
            return refuse("Invalid reservation: 'Resource.ReservationInfo.role' field must be set.");
        };
        role::check(role)?;
        if role == "*" {
            return refuse("Invalid reservation: role \"*\" cannot be reserved");
        }
        Ok(())
    }
}

impl Source {
    fn check(&self) -> Checked {
        let kind = match self.kind {
            SourceKind::Path | SourceKind::Mount => return Ok(()),
            SourceKind::Block => "BLOCK",
            SourceKind::Raw => "RAW",
            SourceKind::Unknown => {
                return refuse("Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'");
            }
        };
        if self.mount.is_some() {
            return Err(format!("Mount should not be set for {kind} disk source"));
        }
        if self.path.is_some() {
            return Err(format!("Path should not be set for {kind} disk source"));
        }
        Ok(())
    }
}
