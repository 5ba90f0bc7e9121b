"""Schedulers: the handlers of a framework, and the driver that talks to a master for it.

    class Hello(mesos.Scheduler):
        def resource_offers(self, driver, offers):
            driver.launch_tasks(offers[0], [task])

    mesos.SchedulerDriver(Hello(), "hello", "local").run()

What the driver can say to Mesos is in `_calls`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesos import _handlers, _settings
from mesos._calls import Calls
from mesos._mesos import SchedulerHandle
from mesos.driver import logger as driver_logger
from mesos.errors import DriverAbortedError
from mesos.testing import ScriptedBackend

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Iterable
    from typing import Literal

    from mesos import Status, v1
    from mesos._stats import SchedulerStats
    from mesos.dispatch import Dispatcher
    from mesos.local import LocalCluster
    from mesos.tls import TLS

logger = logging.getLogger("mesos.scheduler")


class Scheduler:
    """The handlers of a framework. Subclass it and override what you need; any of them may be `async def`.

    They are called one at a time, in the order in which things happened, on the thread or loop that the
    driver's dispatcher decides. `driver` is the `SchedulerDriver` itself. A handler that raises aborts the
    driver, which kills no task; the exception comes out of `run`, `join`, `wait` or `with`.
    """

    def registered(
        self, driver: SchedulerDriver, framework_id: v1.FrameworkID, master_info: v1.MasterInfo | None
    ) -> Awaitable[object] | None:
        """Hear that the framework is registered; called once. From now on calls reach the master.

        framework_id: keep it, to come back as the same framework. master_info: None if the master said none.
        """

    def reregistered(
        self, driver: SchedulerDriver, master_info: v1.MasterInfo | None
    ) -> Awaitable[object] | None:
        """Hear that the framework is registered again, with this or a new master, after `disconnected`.

        Calls made in between were dropped, and updates may have been missed: reconcile the tasks, or let
        the driver do it (`reconcile="auto"`).
        """

    def disconnected(self, driver: SchedulerDriver) -> Awaitable[object] | None:
        """Hear that the master is gone: all offers are void, calls are dropped until `reregistered`.

        The driver reconnects by itself. Tasks keep running.
        """

    def resource_offers(self, driver: SchedulerDriver, offers: list[v1.Offer]) -> Awaitable[object] | None:
        """Answer offers (never an empty list): launch something with them, or decline them.

        An offer that is not answered is held from everybody. The base class declines.
        """
        driver.decline_offer(offers)
        return None

    def inverse_offers(
        self, driver: SchedulerDriver, offers: list[v1.InverseOffer]
    ) -> Awaitable[object] | None:
        """Hear of machines that will be taken for maintenance; the list is never empty."""

    def offer_rescinded(self, driver: SchedulerDriver, offer_id: v1.OfferID) -> Awaitable[object] | None:
        """Hear that an offer is void. A launch that is under way will end in TASK_LOST."""

    def inverse_offer_rescinded(
        self, driver: SchedulerDriver, offer_id: v1.OfferID
    ) -> Awaitable[object] | None:
        """Hear that an inverse offer is void."""

    def status_update(self, driver: SchedulerDriver, status: v1.TaskStatus) -> Awaitable[object] | None:
        """Hear what became of a task.

        Acknowledged when this returns normally, or when the coroutine has ended normally; until then Mesos
        says it again. So an update may come twice, after a crash too; it is never lost. Where handling it
        twice would do harm, `mesos.HandledUpdates` recognises it.
        """

    def operation_status_update(
        self, driver: SchedulerDriver, status: v1.OperationStatus
    ) -> Awaitable[object] | None:
        """Hear what became of an operation with an id; acknowledged likewise."""

    def framework_message(
        self, driver: SchedulerDriver, executor_id: v1.ExecutorID, agent_id: v1.AgentID, data: bytes
    ) -> Awaitable[object] | None:
        """Receive bytes from an executor. Mesos does not send them again."""

    def agent_lost(self, driver: SchedulerDriver, agent_id: v1.AgentID) -> Awaitable[object] | None:
        """Hear that an agent was removed. Do not rely on it: its tasks get updates anyway."""

    def executor_lost(
        self, driver: SchedulerDriver, executor_id: v1.ExecutorID, agent_id: v1.AgentID, status: int
    ) -> Awaitable[object] | None:
        """Hear that an executor ended, with its wait status. Do not rely on this."""

    def call_rejected(
        self,
        driver: SchedulerDriver,  # noqa: ARG002
        call: v1.scheduler.Call,
        code: int,
        message: str,
    ) -> Awaitable[object] | None:
        """Hear that the master refused a call (`mesos.v1.scheduler.Call`); the driver goes on.

        code: the HTTP status. message: the master's words. The base class logs an error.
        """
        logger.error("the master rejected %s with %d: %s", getattr(call, "type", "a call"), code, message)
        return None

    def error(self, driver: SchedulerDriver, message: str) -> Awaitable[object] | None:
        """Hear why the driver has aborted on its own: nothing can be sent any more.

        The base class raises `DriverAbortedError`, `AuthenticationError` or `MasterConnectionError`, so that
        the driver does not end in silence. Overridden, the end is as quiet as you make it.
        """
        native = getattr(driver, "_native", None)
        failure = None if native is None else native.failure
        raise DriverAbortedError(message) if failure is None else failure


class SchedulerDriver(Calls):
    """Talks to a Mesos master for a framework.

    scheduler: the object whose methods are called: a `Scheduler`, or anything with some of its methods.
    framework: FrameworkInfo, a dict of its fields, or just its name; copied. An unset `user` becomes this OS
        user, an unset `hostname` this host, an unset `principal` that of the credential. With an `id`, the
        framework of that id is resumed. `failover_timeout`, in seconds, is how long the master keeps the
        tasks of a scheduler that is away.
    master: "host:port[,host:port…]" or "http[s]://host:port[,…][/prefix]", any of which leads to the leader;
        "zk://[user:password@]host[:port][,…]/path", the ZooKeeper in which the masters elect it, asked again
        whenever another one leads; "local" (a cluster inside this process), or a `LocalCluster`. None takes
        $MESOS_MASTER.
    credential: Credential, dict, (principal, secret), or the path of a credential file as Mesos has them.
    tls: whom to trust, and a certificate of our own; masters without a scheme, and those in ZooKeeper, are
        then spoken to over TLS. None: "https://" trusts whom this system trusts, and $LIBPROCESS_SSL_* are
        heeded if $LIBPROCESS_SSL_ENABLED is true.
    token: a bearer token, which goes before the credential.
    suppressed_roles: roles that are to get no offers at first.
    offer_constraints: `mesos.v1.scheduler.OfferConstraints` or a dict: which agents' offers are wanted.
    implicit_acknowledgements: acknowledge each update after its handler; False leaves that to your calls of
        `acknowledge_status_update` and `acknowledge_operation_status`.
    reconcile: "auto" asks Mesos for the state of every task after each (re)registration, again for those that
        are not answered, and every 15 minutes; the answers are calls of `status_update`. It knows tasks by
        your launches, by updates, and by your own `reconcile_tasks`, until their end is acknowledged. None
        leaves that to you.
    connect_timeout: seconds to the first registration, then `MasterConnectionError`; None tries for ever.
    dispatcher: who calls the handlers, and where: "asyncio", "thread", "poll", "interrupt" (the main thread,
        whatever it computes), "package.module:Class", or a `Dispatcher`; `mesos.dispatch` has them all.
        "auto": in `run`, this thread; after `start`, the event loop that runs here, or else a thread of the
        driver's own.
    backend: "http"; "libmesos", Apache Mesos' own C++ driver, for CRAM-MD5, modules and masters
        without the v1 API (docs/libmesos.md tells what it lacks); or a `mesos.testing.ScriptedBackend`.
    library: with "libmesos", the path of the shared library; None takes $MESOS_NATIVE_LIBRARY, then
        $MESOS_NATIVE_JAVA_LIBRARY, then the system's libmesos.

    Raises `ConfigurationError` or TypeError if something is wrong that can be known beforehand; nothing is
    sent yet.

    A driver runs once: make a new one to connect again. Every method may be called from any thread, and in
    handlers, unless it says otherwise; none blocks but `run`, `join`, `run_once` and leaving `with`. Methods
    that talk to the master check what they are given, raising TypeError, ValueError or `EncodeError`, which
    name the argument, and return the driver's `Status` at once; what is called while the driver does not run
    is dropped, logged once, and counted in `stats`. Everything is logged under `mesos` in `logging`.
    """

    def __init__(  # noqa: D107 - the class says it
        self,
        scheduler: object,
        framework: v1.FrameworkInfoLike | str,
        master: str | LocalCluster | None = None,
        *,
        credential: v1.CredentialLike | tuple[str, str] | str | os.PathLike[str] | None = None,
        tls: TLS | None = None,
        token: str | None = None,
        suppressed_roles: Iterable[str] = (),
        offer_constraints: v1.scheduler.OfferConstraintsLike | None = None,
        implicit_acknowledgements: bool = True,
        reconcile: Literal["auto"] | None = None,
        connect_timeout: float | None = None,
        dispatcher: str | Dispatcher = "auto",
        backend: str | ScriptedBackend = "http",
        library: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(scheduler, Scheduler, dispatcher)
        known = _settings.credential(credential)
        info = _settings.framework(framework, known[0] if known else None)
        self._backend = backend if isinstance(backend, ScriptedBackend) else None
        self._library: str | None = None
        if not isinstance(backend, ScriptedBackend):
            self._library = _settings.library(library, backend)
            self._master: str | LocalCluster
            if self._library is None:
                self._master = _settings.master(master, tls)
            else:
                self._master = _settings.libmesos_master(master, tls, token)
        native = SchedulerHandle(
            info,
            credential=known,
            tls=None if self._library is not None else _settings.tls(tls),
            token=_settings.token(token),
            suppressed_roles=suppressed_roles,
            offer_constraints=offer_constraints,
            implicit_acknowledgements=_settings.flag(implicit_acknowledgements, "implicit_acknowledgements"),
            reconcile=_settings.reconcile(reconcile),
            connect_timeout=_settings.connect_timeout(connect_timeout),
            absent=_handlers.absent(scheduler, Scheduler),
        )
        self._adopt(native)

    # -- life ----------------------------------------------------------------------------------------------

    def stop(self, failover: bool = False) -> Status:
        """End behind the calls made so far; return at once, `join` or `wait` see it through.

        failover: False tears the framework down: the master kills all its tasks. True leaves them running;
        the master waits `FrameworkInfo.failover_timeout` for a driver with the same framework id.

        Return DRIVER_STOPPED; DRIVER_ABORTED if the driver had aborted, in which case nothing is torn down;
        the status as it is if the driver does not run. No handler is called after it has returned on the
        dispatching thread; from another thread, one that runs is finished.
        """
        return self._answer(self._native.stop(failover))

    # -- what can be read ----------------------------------------------------------------------------------

    @property
    def framework(self) -> v1.FrameworkInfo:
        """The FrameworkInfo as it was last said and not refused, with its id once there is one; a copy."""
        return self._native.framework

    @property
    def framework_id(self) -> v1.FrameworkID | None:
        """The FrameworkID: the one that was given, or the master's from `registered` on; else None."""
        return self._native.framework_id

    @property
    def master_info(self) -> v1.MasterInfo | None:
        """The MasterInfo of the last registration; None before, and if the master did not say."""
        return self._native.master_info

    @property
    def stats(self) -> SchedulerStats:
        """What the driver has done so far."""
        from mesos._stats import SchedulerStats  # noqa: PLC0415 - dataclasses are a fifth of the import time

        return SchedulerStats(**self._native.stats())

    # -- inside --------------------------------------------------------------------------------------------

    def _start_native(self) -> int:
        if self._backend is not None:
            return self._native.start(self._backend)
        address, embedded = _settings.address(self._master)
        if self._native.framework.failover_timeout <= 0 and not embedded:
            driver_logger.warning(
                "failover_timeout is 0: should this scheduler be away for a moment, the master kills all "
                "its tasks; set FrameworkInfo.failover_timeout"
            )
        return self._native.start(address, self._library)

    def _leaves_as_failover(self) -> bool:
        return self._native.framework.failover_timeout > 0
