//! Operations on an agent's resources: its volumes, and the word that an operation is done.
//!
//! # Invariants
//! * What has an id is told until it is acknowledged: again after 10 s, then after twice as long, up to 10 min.

use super::{Agent, Output};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::master::finished;
use crate::local::resources::Resources;
use crate::proto::mesos::v1::{Operation, Resource};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// A success that is not acknowledged yet.
#[derive(Debug)]
pub(super) struct Pending {
    framework: String,
    operation: Operation,
    interval: Duration,
    again: Time,
}

impl Pending {
    pub(super) fn due(&self) -> Time {
        self.again
    }

    pub(super) fn is_of(&self, framework: &str) -> bool {
        self.framework == framework
    }

    fn output(&self) -> Output {
        Output::Operation { framework: self.framework.clone(), status: self.operation.latest_status.clone() }
    }
}

impl Agent {
    /// What was asked for is done: volumes are directories, all else is the master's book-keeping.
    pub(super) fn convert(
        &mut self,
        now: Time,
        framework: String,
        operation: Option<Box<Operation>>,
        (created, destroyed): (&Resources, &Resources),
        out: &mut Vec<Output>,
    ) {
        let directories = |all: &Resources| self.volumes(&crate::local::resources::unallocated(all));
        out.extend(
            directories(created).into_iter().map(|(_, directory)| Action::CreateVolume { directory }.into()),
        );
        out.extend(
            directories(destroyed)
                .into_iter()
                .map(|(_, directory)| Action::DestroyVolume { directory }.into()),
        );
        if let Some(mut operation) = operation {
            let uuid = self.entropy.uuid();
            let id = operation.info.id.as_ref().map_or("", |id| &id.value);
            let status = finished(id, self.id(), uuid);
            *operation.latest_status = status.clone();
            operation.statuses = vec![status];
            let pending = Pending { framework, operation: *operation, interval: FIRST, again: now + FIRST };
            out.push(pending.output());
            self.operations.push(pending);
        }
    }

    pub(super) fn acknowledge_operation(&mut self, framework: &str, operation: &str, uuid: &[u8]) {
        self.operations.retain(|pending| {
            let status = &pending.operation.latest_status;
            let id = status.operation_id.as_ref().map_or("", |id| &id.value);
            let own = status.uuid.as_ref().is_some_and(|own| own.value == uuid);
            !(own && id == operation && pending.framework == framework)
        });
    }

    pub(super) fn tick_operations(&mut self, now: Time, out: &mut Vec<Output>) {
        for pending in self.operations.iter_mut().filter(|pending| pending.again <= now) {
            pending.interval = (pending.interval * 2).min(LONGEST);
            pending.again = now + pending.interval;
            out.push(pending.output());
        }
    }

    /// What a new connection of the framework has not acknowledged.
    pub(super) fn resume_operations(&mut self, framework: &str, out: &mut Vec<Output>) {
        out.extend(
            self.operations.iter().filter(|pending| pending.framework == framework).map(Pending::output),
        );
    }

    /// Those that are not acknowledged.
    pub(super) fn get_operations(&self) -> Vec<Operation> {
        self.operations.iter().map(|pending| pending.operation.clone()).collect()
    }

    /// The persistent volumes among resources: where a task finds each, and its directory below the cluster's.
    pub(super) fn volumes(&self, resources: &[Resource]) -> Vec<(String, PathBuf)> {
        let volume = |resource: &Resource| {
            let disk = resource.disk.as_ref()?;
            let id = &disk.persistence.as_ref()?.id;
            let role = resource.reservations.last().map_or("*", |reservation| reservation.role());
            let path = disk.volume.as_ref().map(|volume| volume.container_path.clone()).unwrap_or_default();
            let directory = Path::new("agents").join(self.id()).join("volumes/roles").join(role).join(id);
            Some((path, directory))
        };
        resources.iter().filter_map(volume).collect()
    }
}
