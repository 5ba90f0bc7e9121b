"""What holds for every dispatcher holds for executors too: the parts that are about more than waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mesos
import pytest
from recorder import EXECUTOR_REGISTERED, AsyncExecutorRecorder, AsyncRecorder, ExecutorRecorder, launch
from rides import RIDES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesos.testing import ScriptedBackend
    from rides import Ride


@pytest.fixture(params=RIDES)
def ride(request: pytest.FixtureRequest, make_executor: Callable[..., Any]) -> Iterator[Ride]:
    one = RIDES[request.param](make_executor)
    yield one
    one.close()


def started(ride: Ride, **on: Callable[..., Any]) -> tuple[Any, Any]:
    """A driver that runs, and its executor: one of coroutines where the ride awaits them."""
    recorder = (AsyncExecutorRecorder if ride.recorder is AsyncRecorder else ExecutorRecorder)(**on)
    driver: Any = ride.new(recorder)
    ride.start(driver)
    assert driver.status == mesos.DRIVER_RUNNING
    return driver, recorder


def test_orders_come_one_at_a_time_and_in_order(ride: Ride, backend: ScriptedBackend) -> None:
    driver, recorder = started(
        ride,
        launch_task=lambda driver, task: driver.send_status_update(
            {"task_id": task.task_id, "state": "TASK_RUNNING"}
        ),
    )
    tasks = [f"task-{number}" for number in range(200)]
    group = ("launch_group", {"tasks": [launch(f"grouped-{number}")[1] for number in range(3)]})
    backend.play(
        [EXECUTOR_REGISTERED, *map(launch, tasks), group, ("kill_task", "task-7"), ("disconnected",)]
    )
    ride.until(recorder, driver, lambda: "disconnected" in recorder.names)
    assert recorder.names == ["registered", *["launch_task"] * 203, "kill_task", "disconnected"]
    expected = [*tasks, "grouped-0", "grouped-1", "grouped-2"]
    assert [call.update.status.task_id.value for call in backend.calls] == expected
    assert getattr(recorder, "most_running", 1) == 1
    assert recorder.drivers == {id(driver)}
    assert driver.executor_info.executor_id.value == "executor-1"


def test_a_handler_that_raises_ends_the_driver(ride: Ride, backend: ScriptedBackend) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("no such program")

    driver, recorder = started(ride, launch_task=fail)
    backend.play([EXECUTOR_REGISTERED, launch(), launch(), ("shutdown",)])
    with pytest.raises(LookupError, match="no such program") as raised:
        ride.end(driver)
    assert driver.exception is raised.value
    assert recorder.names == ["registered", "launch_task"]
    assert (driver.status, backend.ended) == (mesos.DRIVER_ABORTED, "abort")


def test_no_order_follows_a_stop(ride: Ride, backend: ScriptedBackend) -> None:
    driver, recorder = started(ride, shutdown=lambda driver: driver.stop())
    backend.play([EXECUTOR_REGISTERED, launch(), ("shutdown",), launch("too late"), ("shutdown",)])
    assert ride.end(driver) == mesos.DRIVER_STOPPED
    assert recorder.names == ["registered", "launch_task", "shutdown"]
    assert backend.ended == "failover"


def test_an_error_aborts_then_comes_out(ride: Ride, backend: ScriptedBackend) -> None:
    driver, _ = started(ride)
    backend.play([EXECUTOR_REGISTERED, ("error", "you are nobody")])
    with pytest.raises(mesos.DriverAbortedError, match="you are nobody"):
        ride.end(driver)
    assert driver.status == mesos.DRIVER_ABORTED
