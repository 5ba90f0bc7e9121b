//! The framework that owns a task or an executor, as its agent knows it.

use crate::proto::mesos::v1::FrameworkInfo;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use std::sync::Arc;

/// A framework, cheap to copy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owner(Arc<FrameworkInfo>);

impl Owner {
    pub(crate) fn new(info: Arc<FrameworkInfo>) -> Self {
        Self(info)
    }

    pub(crate) fn id(&self) -> &str {
        self.0.id.as_ref().map_or("", |id| &id.value)
    }

    pub(crate) fn info(&self) -> &FrameworkInfo {
        &self.0
    }

    /// Its executors outlive their agent.
    pub(crate) fn checkpoints(&self) -> bool {
        self.0.checkpoint()
    }

    /// It wants TASK_KILLING.
    pub(crate) fn hears_killing(&self) -> bool {
        self.can(Capability::TaskKillingState)
    }

    /// It wants TASK_DROPPED and its like rather than TASK_LOST.
    pub(crate) fn is_partition_aware(&self) -> bool {
        self.can(Capability::PartitionAware)
    }

    fn can(&self, capability: Capability) -> bool {
        can(&self.0, capability)
    }
}

pub(crate) fn can(info: &FrameworkInfo, capability: Capability) -> bool {
    info.capabilities.iter().any(|this| this.r#type() == capability)
}
