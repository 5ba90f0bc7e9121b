"""Statuses of drivers as the native half numbers them, which is as `mesos.Status` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesos import Status

NOT_STARTED, RUNNING, ABORTED, STOPPED = 1, 2, 3, 4


def as_status(number: int) -> Status:
    """Return the `mesos.Status` of a number."""
    import mesos  # noqa: PLC0415 - the package imports this module

    return mesos.Status(number)
