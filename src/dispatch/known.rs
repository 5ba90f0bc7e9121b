//! What a driver knows of its subscription from what its handlers were told, not earlier.

use crate::backend::said::Said;
use crate::driver::lifecycle::lock;
use crate::event::{Failure, Placement};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What the driver has been told about its subscription.
#[derive(Default)]
pub(crate) struct Known {
    /// `FrameworkID`: given by the user, or by the master at the first registration
    pub(crate) framework_id: Option<Bytes>,
    /// `MasterInfo` of the last registration
    pub(crate) master_info: Option<Bytes>,
    /// a scheduler's: what it has said about its framework, and was not told that it is refused
    said: Option<Arc<Mutex<Said>>>,
    /// an executor's, of the last registration
    pub(crate) placement: Option<Placement>,
    /// an executor's: the texts of `TaskID`s to `KillPolicy`s, of the tasks that have one
    pub(crate) kill_policies: HashMap<Bytes, Bytes>,
    /// there is a subscription, as far as the handlers know
    pub(crate) connected: bool,
    /// `registered` was called; from now on it is `reregistered`
    pub(super) registered: bool,
    /// why the backend gave up
    pub(crate) failure: Option<Failure>,
}

impl Known {
    pub(crate) fn of_scheduler(framework_id: Option<Bytes>, said: Arc<Mutex<Said>>) -> Self {
        Self { framework_id, said: Some(said), ..Self::default() }
    }

    /// Mesos has refused this call.
    pub(super) fn rejected(&self, call: &[u8]) {
        if let Some(said) = &self.said {
            lock(said).refuse_call(call);
        }
    }
}
