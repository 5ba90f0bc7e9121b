"""Executors: the handlers of a program that runs tasks, and the driver that talks to an agent for it.

    class Worker(mesos.Executor):
        def launch_task(self, driver, task):
            driver.send_status_update({"task_id": task.task_id, "state": "TASK_RUNNING"})
            ...                       # on a thread of its own, unless it is short
            driver.send_status_update({"task_id": task.task_id, "state": "TASK_FINISHED"})

    mesos.ExecutorDriver(Worker()).run()

An agent starts it as the command of a TaskInfo's `executor`: a file that ends with that last line, or
`python -m mesos.executor package.module:Worker`.

Invariants:
* An update is checked before it is sent: bad input raises here, naming field and value.
* An update that was sent is kept until the agent has acknowledged it, whatever becomes of the agent.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from mesos import _handlers, _settings, _stdout
from mesos._environment import Environment, forget_token
from mesos._mesos import ExecutorHandle
from mesos.driver import Driver
from mesos.errors import DriverAbortedError
from mesos.testing import ScriptedBackend

if TYPE_CHECKING:
    import io
    from collections.abc import Awaitable, Iterator

    from mesos import Status, v1
    from mesos._stats import ExecutorStats
    from mesos.dispatch import Dispatcher

logger = logging.getLogger("mesos.executor")


class Executor:
    """The handlers of an executor. Subclass it and override what you need; any of them may be `async def`.

    They are called one at a time, in the order in which things happened, on the thread or loop that the
    driver's dispatcher decides: a handler that works for long keeps the others waiting, kills among them.
    `driver` is the `ExecutorDriver` itself. A handler that raises aborts the driver; the exception comes out
    of `run`, `join`, `wait` or `with`, and when the program ends with it Mesos says TASK_FAILED of its tasks.
    """

    def registered(
        self,
        driver: ExecutorDriver,
        executor_info: v1.ExecutorInfo,
        framework_info: v1.FrameworkInfo,
        agent_info: v1.AgentInfo,
    ) -> Awaitable[object] | None:
        """Hear that the executor is registered with its agent; called once, before anything else.

        executor_info: as the scheduler wrote it; `data` in it is for this executor. framework_info: whom it
        works for. agent_info: where it runs.
        """

    def reregistered(self, driver: ExecutorDriver, agent_info: v1.AgentInfo) -> Awaitable[object] | None:
        """Hear that the executor is registered again, after `disconnected`. The agent knows all by now."""

    def disconnected(self, driver: ExecutorDriver) -> Awaitable[object] | None:
        """Hear that the agent is gone: restarted, perhaps. Tasks keep running, and updates are kept.

        The driver reconnects by itself if the framework checkpoints; otherwise `shutdown` follows.
        """

    def launch_task(self, driver: ExecutorDriver, task: v1.TaskInfo) -> Awaitable[object] | None:
        """Run a task: report TASK_RUNNING, and once it has ended one terminal state.

        Report its states with `driver.send_status_update`, from any thread. The base class runs nothing and
        says TASK_FAILED.
        """
        words = f"{type(self).__name__} runs no tasks: it does not override launch_task"
        driver.send_status_update({"task_id": task.task_id, "state": "TASK_FAILED", "message": words})
        return None

    def launch_group(self, driver: ExecutorDriver, task_group: v1.TaskGroupInfo) -> Awaitable[object] | None:
        """Run the tasks of a group, all or none. The base class calls `launch_task` with each, in order."""
        return _one_by_one(self, driver, iter(task_group.tasks))

    def kill_task(self, driver: ExecutorDriver, task_id: v1.TaskID) -> Awaitable[object] | None:
        """End a task, and report TASK_KILLED once it has ended; `driver.kill_policy` says how gracefully.

        It may be unknown or have ended, and may be asked for again. The base class does nothing.
        """

    def framework_message(self, driver: ExecutorDriver, data: bytes) -> Awaitable[object] | None:
        """Receive bytes from the scheduler. Mesos does not send them again."""

    def shutdown(self, driver: ExecutorDriver) -> Awaitable[object] | None:
        """End all tasks, report them as TASK_KILLED, and stop the driver; nothing else is asked after this.

        Asked for by the scheduler or the agent, or because the agent is lost. When the grace period is over
        (MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD, 5 s) this process and its whole process group are killed. The
        base class stops the driver.
        """
        driver.stop()
        return None

    def call_rejected(
        self,
        driver: ExecutorDriver,  # noqa: ARG002
        call: v1.executor.Call,
        code: int,
        message: str,
    ) -> Awaitable[object] | None:
        """Hear that the agent refused a call (`mesos.v1.executor.Call`); the driver goes on without it.

        code: the HTTP status. message: the agent's words. The base class logs an error.
        """
        logger.error("the agent rejected %s with %d: %s", getattr(call, "type", "a call"), code, message)
        return None

    def error(self, driver: ExecutorDriver, message: str) -> Awaitable[object] | None:
        """Hear why the driver has aborted on its own: nothing can be sent any more.

        The base class raises `DriverAbortedError`, `AuthenticationError` or `MasterConnectionError`, so that
        the driver does not end in silence. Overridden, the end is as quiet as you make it.
        """
        native = getattr(driver, "_native", None)
        failure = None if native is None else native.failure
        raise DriverAbortedError(message) if failure is None else failure


class ExecutorDriver(Driver):
    """Talks to a Mesos agent for an executor.

    Where the agent is, who the executor is, and what is to become of it without its agent is in the
    environment variables that the agent starts it with. The authentication token, if there is one, is taken
    out of `os.environ`. From start to stop standard output is line-buffered, so that what tasks print is in
    the sandbox at once.

    executor: the object whose methods are called: an `Executor`, or anything with some of its methods.
    dispatcher: who calls the handlers, and where: "asyncio", "thread", "poll", "interrupt" (the main thread,
        whatever it computes), "package.module:Class", or a `Dispatcher`; `mesos.dispatch` has them all.
        "auto": in `run`, this thread; after `start`, the event loop that runs here, or else a thread of the
        driver's own.
    backend: "http", the v1 executor API; "libmesos", Apache Mesos' own C++ driver, for agents without that
        (docs/libmesos.md tells what it lacks); or a `mesos.testing.ScriptedBackend`, which needs no
        environment.
    library: with "libmesos", the path of the shared library; None takes $MESOS_NATIVE_LIBRARY, then
        $MESOS_NATIVE_JAVA_LIBRARY, then the system's libmesos.

    Raises `ConfigurationError` or TypeError if something is wrong that can be known beforehand, such as a
    variable that is not set; nothing is sent yet.

    A driver runs once. Every method may be called from any thread, and in handlers, unless it says otherwise;
    none blocks but `run`, `join`, `run_once` and leaving `with`. Methods that talk to the agent check what
    they are given, raising TypeError, ValueError or `EncodeError`, and return the driver's `Status` at once;
    what is called while the driver does not run is dropped, logged once, and counted in `stats`.
    """

    _native: ExecutorHandle  # pyright: ignore[reportIncompatibleVariableOverride] - assigned once
    _stdout: io.TextIOWrapper | None = None

    def __init__(  # noqa: D107 - the class says it
        self,
        executor: object,
        *,
        dispatcher: str | Dispatcher = "auto",
        backend: str | ScriptedBackend = "http",
        library: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(executor, Executor, dispatcher)
        self._backend = backend if isinstance(backend, ScriptedBackend) else None
        self._library: str | None = None
        environment = None
        if not isinstance(backend, ScriptedBackend):
            self._library = _settings.library(library, backend)
            environment = Environment(os.environ, libmesos=self._library is not None)
        self._adopt(ExecutorHandle(environment=environment, absent=_handlers.absent(executor, Executor)))
        if environment is not None:
            forget_token(os.environ)

    # -- life ----------------------------------------------------------------------------------------------

    def stop(self) -> Status:
        """End behind the calls made so far; return at once, `join` or `wait` see it through.

        It has ended when the agent has acknowledged every update, or after 5 seconds; after `shutdown`, which
        leaves less time, a fifth of the grace period. Stop once all tasks have ended: when the program exits,
        Mesos says TASK_FAILED of those that have not.

        Return DRIVER_STOPPED; DRIVER_ABORTED if the driver had aborted; the status as it is if the driver
        does not run. No handler is called after it has returned on the dispatching thread; from another
        thread, one that runs is finished.
        """
        status = self._answer(self._native.stop(True))
        self._restore_stdout()
        return status

    def abort(self) -> Status:
        """End now, whether the agent has the updates that were sent or not.

        Return DRIVER_ABORTED, or the status as it is if the driver does not run. `stop()` may follow.
        """
        status = super().abort()
        self._restore_stdout()
        return status

    # -- what can be read ----------------------------------------------------------------------------------

    @property
    def executor_info(self) -> v1.ExecutorInfo | None:
        """The ExecutorInfo as the scheduler wrote it; None before `registered`."""
        return self._native.executor_info

    @property
    def framework_info(self) -> v1.FrameworkInfo | None:
        """The FrameworkInfo of the framework that it works for; None before `registered`."""
        return self._native.framework_info

    @property
    def agent_info(self) -> v1.AgentInfo | None:
        """The AgentInfo of the last registration; None before."""
        return self._native.agent_info

    @property
    def stats(self) -> ExecutorStats:
        """What the driver has done so far."""
        from mesos._stats import ExecutorStats  # noqa: PLC0415 - dataclasses are a fifth of the import time

        figures = self._native.stats()
        del figures["acknowledgements"]  # executors are acknowledged, and acknowledge nothing
        return ExecutorStats(unacknowledged=self._native.unacknowledged, **figures)

    def kill_policy(self, task_id: v1.TaskIDLike) -> v1.KillPolicy | None:
        """Return how a task (TaskID or str) is to be killed: as its last kill says, else as its TaskInfo.

        None if neither says anything, and once a terminal state of the task was sent.
        """
        return self._native.kill_policy(task_id)

    # -- calls ---------------------------------------------------------------------------------------------

    def send_status_update(self, status: v1.TaskStatusLike) -> Status:
        """Say what has become of a task: TaskStatus or dict, with at least `task_id` and `state`.

        In a copy, `uuid`, `source`, `agent_id` and `executor_id` are filled in, and `timestamp` if it is not
        set. The update is kept, in order, until the agent has acknowledged it: while the agent is away too.

        Raises `EncodeError` if an agent would refuse it, such as one with the state TASK_STAGING.
        """
        return self._answer(self._native.send_status_update(status))

    def send_framework_message(self, data: bytes | bytearray | memoryview) -> Status:
        """Send bytes to the scheduler. Best effort: without an agent they are dropped."""
        return self._answer(self._native.send_framework_message(data))

    # -- inside --------------------------------------------------------------------------------------------

    def _start_native(self) -> int:
        number = self._native.start(self._backend, self._library)
        self._stdout = _stdout.line_buffer()
        return number

    def _leaves_as_failover(self) -> bool:
        return True

    def _ended(self) -> None:
        super()._ended()
        self._restore_stdout()

    def _restore_stdout(self) -> None:
        stdout, self._stdout = self._stdout, None
        if stdout is not None:
            _stdout.restore(stdout)


def _one_by_one(
    executor: Executor, driver: ExecutorDriver, tasks: Iterator[v1.TaskInfo]
) -> Awaitable[object] | None:
    """Launch tasks until the driver stops, or until a handler is to be awaited: the rest follows that."""
    for task in tasks:
        launch = getattr(executor, "launch_task", None)
        # any object will do as an executor: what it lacks, the base class does
        made = Executor.launch_task(executor, driver, task) if launch is None else launch(driver, task)
        if made is not None and hasattr(made, "__await__"):
            return _await_and_go_on(made, executor, driver, tasks)
        if not driver._runs:
            break
    return None


async def _await_and_go_on(
    made: Awaitable[object], executor: Executor, driver: ExecutorDriver, tasks: Iterator[v1.TaskInfo]
) -> None:
    await made
    if driver._runs:
        rest = _one_by_one(executor, driver, tasks)
        if rest is not None:
            await rest


if __name__ == "__main__":
    from mesos._run import main

    sys.exit(main(sys.argv[1:]))
