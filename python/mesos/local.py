"""The embedded cluster: a Mesos master and agents inside this process.

It speaks Apache Mesos' v1 APIs for schedulers and executors over HTTP on loopback, and runs commands, task
groups and executors of one's own as real processes, and checks them; resources can be reserved, and made into
persistent volumes; files are fetched. What it cannot do (containers, secrets) it refuses, saying so.

A cluster belongs to the process that made it. In a forked child it is closed, and `LocalCluster.default()`
makes a new one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING

from mesos._mesos import _LocalCluster
from mesos.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from mesos.v1 import TaskID

__all__ = ["LocalAgent", "LocalCluster"]

_HIGHEST_PORT = 65535
_MOST_AGENTS = 1000
_LONGEST = 1e9  # seconds


class LocalCluster:
    """A Mesos cluster in this process, running as soon as it is made.

    * `agents`: how many agents it has, 1 to 1000, all on this machine (host name 127.0.0.1).
    * `resources`: what each agent offers, in Mesos' text form: ``name:value`` separated by ``;``, where a
      value is a number (``mem`` and ``disk`` in megabytes), ranges ``[1-2,5-6]`` or a set ``{a,b}``;
      ``name(role):value`` is reserved for a role.
      They are counted, not enforced: a task that was given one cpu may use all of them, whatever
      `TaskInfo.limits` says.
    * `port`: where it listens on 127.0.0.1. 0 takes a free port, see `master`.
    * `work_dir`: where the tasks' sandboxes are made; created if missing, and kept. None makes a temporary
      directory, which `close` removes.
    * `authenticate_executors`: whether executors have to show their agent the token that it gives them in
      $MESOS_EXECUTOR_AUTHENTICATION_TOKEN, as with the real agent's flag authenticate_http_executors. Who
      shows none, or a wrong one, is refused with 401, who shows that of another executor with 403.
    * `domain_sockets`: whether each agent also listens at a Unix domain socket in `work_dir`, which executors
      are told of by $MESOS_DOMAIN_SOCKET, as with the real agent's flag http_executor_domain_sockets.
    * `attributes`: what agents say of themselves in offers, and what offer constraints look at, in Mesos'
      text form: ``rack:a;level:10``, where a value is a number, ranges ``[1-2]`` or any other text. One text
      is for all agents; of several each is for one of them, in order, and the others have none.
    * `offer_timeout`: seconds after which an offer that is neither accepted nor declined is rescinded, and
      made to somebody else; None, the default, is never: who keeps an offer has its resources.

    Raises ConfigurationError if an argument is wrong (the message names it), OSError if the system gives no
    threads, descriptors or processes.

    Tasks inherit this process's environment (without MESOS_* and LIBPROCESS_*) as it was when the cluster was
    made. Each runs in a session of its own, as the user of this process whatever `CommandInfo.user` says, and
    ends with the cluster: at `close`, when the cluster is collected, at interpreter exit, and also if this
    process is killed.

    Every method may be called from any thread.
    """

    _default: LocalCluster | None = None
    _default_lock = threading.Lock()

    def __init__(
        self,
        agents: int = 1,
        resources: str = "cpus:4;mem:4096;disk:8192;ports:[31000-32000]",
        port: int = 0,
        work_dir: str | os.PathLike[str] | None = None,
        *,
        authenticate_executors: bool = False,
        domain_sockets: bool = False,
        attributes: str | Sequence[str] = (),
        offer_timeout: float | None = None,
    ) -> None:
        """Start it: see the class."""
        _check_integer("agents", agents, 1, _MOST_AGENTS)
        _check_integer("port", port, 0, _HIGHEST_PORT)
        if not isinstance(resources, str):
            raise ConfigurationError(
                f"resources: a text like 'cpus:4;mem:4096' is expected, not {resources!r}"
            )
        each = _attributes(attributes, agents)
        _check_seconds("offer_timeout", offer_timeout)
        self._pid = os.getpid()
        self._temporary = work_dir is None
        self._work_dir = _make_directory(work_dir)
        try:
            _register_hooks()
            with _making:
                self._native = _LocalCluster(
                    agents,
                    resources,
                    port,
                    self._work_dir,
                    bool(authenticate_executors),
                    bool(domain_sockets),
                    each,
                    offer_timeout,
                )
                self._finalizer = weakref.finalize(
                    self, _close, self._native, self._work_dir, self._temporary, self._pid
                )
                self._finalizer.atexit = False  # `_close_all` does it, at its time
                _clusters.add(self)
        except BaseException:
            if self._temporary:
                _remove(self._work_dir)
            raise
        self._master = self._native.master

    @property
    def agents(self) -> tuple[LocalAgent, ...]:
        """The agents, with which tests can make things go wrong."""
        native = self._native
        return tuple(LocalAgent(native, at, *known) for at, known in enumerate(native.agents()))

    def fail_over(self) -> None:
        """Have another master take over, at the same address, as when the leading one dies.

        Connections of schedulers break, offers are void. Schedulers that subscribe again with their
        framework's id find their tasks; one that does not within its failover_timeout is removed. Returns
        when it has happened; on a closed cluster nothing happens. Raises ForkedDriverError in a forked child.
        """
        self._native.fault("fail_over", 0)

    @property
    def master(self) -> str:
        """The master's address, ``127.0.0.1:PORT``: what `SchedulerDriver(master=…)` takes."""
        return self._master

    def close(self) -> None:
        """Kill the tasks, end the connections, remove a temporary `work_dir`.

        Again, or in a forked child: do nothing.
        """
        self._finalizer()

    def sandbox(self, task_id: TaskID | str) -> Path:
        """Return the directory in which a task runs or ran: the latest run, if several had this id.

        task_id: the text, or a TaskID.

        Raises KeyError if no such task was started on this cluster, ForkedDriverError in a forked child.
        """
        value = getattr(task_id, "value", task_id)
        if not isinstance(value, str):
            raise TypeError(f"task_id: a TaskID or its text is expected, not {type(task_id).__name__}")
        path = self._native.sandbox(value)
        if path is None:
            raise KeyError(f"no task {value!r} was started on this cluster")
        return path

    def stdout(self, task_id: TaskID | str) -> str:
        """Return what a task has written to its standard output; bytes that are not UTF-8 are replaced.

        Raises KeyError if no such task was started on this cluster, FileNotFoundError if the file is gone:
        with the closed cluster, or by the task's own doing.
        """
        return (self.sandbox(task_id) / "stdout").read_text("utf-8", "replace")

    def stderr(self, task_id: TaskID | str) -> str:
        """Return what a task has written to its standard error so far. As `stdout`."""
        return (self.sandbox(task_id) / "stderr").read_text("utf-8", "replace")

    @classmethod
    def default(cls) -> LocalCluster:
        """Return the one cluster of this process that ``master="local"`` means, made at the first call.

        It is closed at interpreter exit. After `close`, and in a forked child, the next call makes a new one.
        """
        with cls._default_lock:
            cluster = LocalCluster._default
            if cluster is None or not cluster._finalizer.alive or cluster._pid != os.getpid():
                cluster = LocalCluster._default = LocalCluster()
            return cluster

    def __enter__(self) -> LocalCluster:
        """Return the cluster itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Show the address, or that it is closed."""
        state = self._master if self._finalizer.alive and self._pid == os.getpid() else "closed"
        return f"<LocalCluster {state}>"


class LocalAgent:
    """An agent of a `LocalCluster`: `cluster.agents[0]`.

    Its methods make things go wrong as they do on real clusters, for tests of what a framework or an executor
    does then. Each returns when it has happened; what makes no sense now (to start an agent that runs), or
    comes after the cluster's end, does nothing. In a forked child they raise ForkedDriverError. Every method
    may be called from any thread.
    """

    def __init__(self, native: _LocalCluster, position: int, agent_id: str, address: str) -> None:
        """Made by `LocalCluster.agents`."""
        self._native = native
        self._position = position
        self._id = agent_id
        self._address = address

    @property
    def id(self) -> str:
        """The agent's id, as in `Offer.agent_id`."""
        return self._id

    @property
    def address(self) -> str:
        """Its own ``127.0.0.1:PORT``: executors speak to it there."""
        return self._address

    def stop(self) -> None:
        """Kill the agent's process, as kill -9 would; processes of tasks and executors go on without it.

        They do so if their framework checkpoints. The tasks of other frameworks are killed and reported as
        TASK_LOST. Offers of the agent are rescinded.
        """
        self._fault("stop")

    def start(self) -> None:
        """Start it again after `stop`.

        Executors have 2 seconds to subscribe again. What happened to tasks meanwhile is reported now, and so
        is what was not acknowledged before.
        """
        self._fault("start")

    def restart(self) -> None:
        """`stop`, then `start`."""
        self.stop()
        self.start()

    def lose(self) -> None:
        """Cut the network between master and agent, and have the master give the agent up at once.

        A real master does so after 75 seconds without an answer. The agent's tasks run on, TASK_UNREACHABLE
        to frameworks that are PARTITION_AWARE, TASK_LOST to others; schedulers hear that the agent is lost.
        """
        self._fault("lose")

    def find(self) -> None:
        """Mend the network after `lose`: the agent's tasks are reported as they are now."""
        self._fault("find")

    def mark_gone(self) -> None:
        """Have the agent gone for good, as an operator does by MARK_AGENT_GONE.

        Its tasks are killed, and are TASK_GONE_BY_OPERATOR to frameworks that are PARTITION_AWARE, TASK_LOST
        to others. Nothing brings it back.
        """
        self._fault("gone")

    def _fault(self, name: str) -> None:
        self._native.fault(name, self._position)

    def __repr__(self) -> str:
        """Show id and address."""
        return f"<LocalAgent {self._id} at {self._address}>"


_clusters: weakref.WeakSet[LocalCluster] = weakref.WeakSet()
_hooks = threading.Lock()
_making = threading.RLock()  # held by a fork, too: its child has to know every cluster that there is
_hooks_registered = False


def _check_integer(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{name}: a number from {least} to {most} is expected, not {value!r}")


def _attributes(given: str | Sequence[str], agents: int) -> list[str]:
    """Return a text for each agent."""
    if isinstance(given, str):
        return [given] * agents
    each = list(given) if hasattr(given, "__iter__") else None
    if each is None or not all(isinstance(text, str) for text in each):
        raise ConfigurationError(f"attributes: texts like 'rack:a;level:10' are expected, not {given!r}")
    if len(each) > agents:
        raise ConfigurationError(f"attributes: {len(each)} texts are more than the agents={agents}")
    return each


def _check_seconds(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        raise ConfigurationError(f"{name}: a number of seconds above 0 is expected, or None, not {value!r}")


# What follows imports where it is needed: these modules are slow to import, and few programs make clusters.


def _make_directory(work_dir: str | os.PathLike[str] | None) -> Path:
    from pathlib import Path  # noqa: PLC0415

    if work_dir is None:
        import tempfile  # noqa: PLC0415

        return Path(tempfile.mkdtemp(prefix="mesos-local-"))
    try:
        path = Path(work_dir).absolute()
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, TypeError, ValueError) as error:
        raise ConfigurationError(f"work_dir: {work_dir!r} cannot be a directory: {error}") from error
    return path


def _remove(directory: Path) -> None:
    import shutil  # noqa: PLC0415

    shutil.rmtree(directory, ignore_errors=True)


def _close(native: _LocalCluster, work_dir: Path, temporary: bool, pid: int) -> None:
    if os.getpid() != pid:
        return  # the parent's tasks and files are the parent's
    native.close()
    if temporary:
        _remove(work_dir)


def _register_hooks() -> None:
    global _hooks_registered  # noqa: PLW0603 - once per process
    with _hooks:
        if not _hooks_registered:
            _hooks_registered = True
            os.register_at_fork(
                before=_making.acquire,
                after_in_parent=_after_fork,
                after_in_child=_after_fork_in_child,
            )
            atexit.register(_close_all)


def _close_all() -> None:
    """Close what is open at interpreter exit; drivers first, as they have a last word to say to it."""
    drivers = sys.modules.get("mesos._exit")
    if drivers is not None:
        drivers._exit()
    for cluster in list(_clusters):
        cluster.close()


def _after_fork() -> None:
    with contextlib.suppress(RuntimeError):  # it was registered in the middle of a fork
        _making.release()


def _after_fork_in_child() -> None:
    """Drop the parent's clusters.

    The descriptors must go: with a copy of the watcher's pipe, the child would keep the tasks of a killed
    parent alive.
    """
    global _hooks
    _after_fork()
    # they may have been held by threads that are not here
    _hooks, LocalCluster._default_lock = threading.Lock(), threading.Lock()
    LocalCluster._default = None
    for cluster in list(_clusters):
        if cluster._finalizer.detach() is not None:
            for descriptor in cluster._native.descriptors():
                os.close(descriptor)
    _clusters.clear()
