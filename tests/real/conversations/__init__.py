"""What is said to both the real Mesos and the embedded cluster; each module has a list, CONVERSATIONS."""

from . import commands, executors, groups, operations

CONVERSATIONS = [
    *commands.CONVERSATIONS,
    *executors.CONVERSATIONS,
    *groups.CONVERSATIONS,
    *operations.CONVERSATIONS,
]
