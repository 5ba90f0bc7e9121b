"""`mesos.HandledUpdates`: what is recognised, forgotten and kept over a restart."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import PATIENCE, REGISTERED, Recorder, calls, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesos.testing import ScriptedBackend


def task_status(uuid: bytes | None) -> mesos.TaskStatus:
    return mesos.TaskStatus(task_id="t", state="TASK_RUNNING", uuid=uuid)


def operation_status(uuid: bytes | None) -> mesos.OperationStatus:
    return mesos.OperationStatus(state="OPERATION_FINISHED", uuid=None if uuid is None else {"value": uuid})


@pytest.mark.parametrize("status", [task_status, operation_status])
def test_an_update_is_recognised_by_its_uuid(status: Callable[[bytes | None], Any]) -> None:
    handled = mesos.HandledUpdates()
    first = status(b"1" * 16)
    assert first not in handled
    assert first not in handled, "asking is not noting"
    handled.add(first)
    assert status(b"1" * 16) in handled
    assert status(b"2" * 16) not in handled
    handled.add(first)
    assert list(handled) == [b"1" * 16]


@pytest.mark.parametrize("status", [task_status, operation_status])
def test_one_without_a_uuid_is_always_new(status: Callable[[bytes | None], Any]) -> None:
    handled = mesos.HandledUpdates()
    for uuid in (None, b""):
        handled.add(status(uuid))
        assert status(uuid) not in handled
    assert len(handled) == 0


def test_the_oldest_are_forgotten() -> None:
    handled = mesos.HandledUpdates(limit=3)
    for number in (1, 2, 3, 1, 4):
        handled.add(task_status(bytes([number]) * 16))
    assert [uuid[0] for uuid in handled] == [2, 3, 4]
    assert repr(handled) == "<HandledUpdates: 3 of at most 3>"
    with pytest.raises(ValueError, match="limit"):
        mesos.HandledUpdates(limit=0)


def test_it_gets_over_a_restart() -> None:
    handled = mesos.HandledUpdates([b"1" * 16, bytearray(b"2" * 16)], limit=2)
    for other in (
        mesos.HandledUpdates(handled),
        pickle.loads(pickle.dumps(handled)),
        copy.copy(handled),
    ):
        assert list(other) == [b"1" * 16, b"2" * 16]
        assert task_status(b"2" * 16) in other


@pytest.mark.parametrize("one", [b"1" * 16, bytearray(16), memoryview(b"1" * 16), [16], ["1" * 16], [None]])
def test_uuids_are_several_bytes(one: Any) -> None:
    with pytest.raises(TypeError, match=r"uuids: (several|bytes) are expected"):
        mesos.HandledUpdates(one)


def test_uuids_that_are_empty_are_left_out() -> None:
    handled = mesos.HandledUpdates([b"", b"1" * 16, memoryview(b"")])
    assert list(handled) == [b"1" * 16]
    assert task_status(None) not in handled


@pytest.mark.parametrize("other", [None, b"1" * 16, mesos.TaskID(value="t"), "uuid"])
def test_other_things_are_refused(other: Any) -> None:
    handled = mesos.HandledUpdates()
    with pytest.raises(TypeError, match="TaskStatus or OperationStatus"):
        handled.add(other)
    with pytest.raises(TypeError):
        assert other not in handled


def test_a_duplicate_is_acknowledged_again(
    make: Callable[..., mesos.SchedulerDriver], backend: ScriptedBackend
) -> None:
    handled, done = mesos.HandledUpdates(), []

    def status_update(_: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status in handled:
            return
        done.append(status.task_id.value)
        handled.add(status)

    driver = make(Recorder(status_update=status_update), dispatcher="poll")
    driver.start()
    backend.play([REGISTERED, update("a"), update("a"), update("b", uuid=b"b" * 16)])
    for _ in range(4):
        assert driver.run_once(PATIENCE)
    assert done == ["a", "b"]
    assert calls(backend) == ["ACKNOWLEDGE"] * 3
