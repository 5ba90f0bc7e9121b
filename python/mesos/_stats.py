"""The figures of drivers; a module of its own because dataclasses take long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SchedulerStats:
    """What a driver has done so far; a snapshot.

    events_received: what Mesos said, whether handled yet or not. events_handled: handlers called.
    queue_depth: events that wait now. queue_high_water: the most that ever waited. seconds_queued: how long
    the event handled last had waited for its turn. calls_sent: written to a connection.
    calls_rejected: refused by the master. calls_dropped: made while the driver did not run or had no
    subscription, or cut off before the answer. acknowledgements: of task and operation updates.
    reconnects: subscriptions after the first. seconds_since_traffic: how long Mesos has said nothing, not
    even a heartbeat; None if it has not said anything yet.
    """

    events_received: int
    events_handled: int
    queue_depth: int
    queue_high_water: int
    seconds_queued: float
    calls_sent: int
    calls_rejected: int
    calls_dropped: int
    acknowledgements: int
    reconnects: int
    seconds_since_traffic: float | None


@dataclass(frozen=True)
class ExecutorStats:
    """What a driver has done so far; a snapshot.

    events_received: what Mesos said, whether handled yet or not. events_handled: handlers called.
    queue_depth: events that wait now. queue_high_water: the most that ever waited. seconds_queued: how long
    the event handled last had waited for its turn. calls_sent: written to a connection.
    calls_rejected: refused by the agent. calls_dropped: made while the driver did not run, or
    messages without a subscription or cut off before the answer. unacknowledged: updates that are kept, as
    the agent has not acknowledged them. reconnects: subscriptions after the first. seconds_since_traffic: how
    long Mesos has said nothing; None if it has not said anything yet.
    """

    events_received: int
    events_handled: int
    queue_depth: int
    queue_high_water: int
    seconds_queued: float
    calls_sent: int
    calls_rejected: int
    calls_dropped: int
    unacknowledged: int
    reconnects: int
    seconds_since_traffic: float | None
