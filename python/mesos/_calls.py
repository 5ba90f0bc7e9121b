"""What a scheduler can say to Mesos: one method for each call of its API, but for SUBSCRIBE and TEARDOWN.

Invariants:
* A call is checked before it is sent: bad input raises here, naming field and value, and nothing has left.
* A call answers the driver's status. Whether Mesos heard it is said by events, never by a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mesos import _settings
from mesos.driver import Driver

if TYPE_CHECKING:
    from typing import TypeAlias, TypeVar

    from mesos import Status, v1
    from mesos._mesos import SchedulerHandle

    _T = TypeVar("_T")
    OneOrMany: TypeAlias = _T | Iterable[_T]
    Offers: TypeAlias = OneOrMany[v1.OfferLike | v1.OfferIDLike]
    InverseOffers: TypeAlias = OneOrMany[v1.InverseOfferLike | v1.OfferIDLike]


class Calls(Driver):
    """The calls of a `SchedulerDriver`."""

    _native: SchedulerHandle  # pyright: ignore[reportIncompatibleVariableOverride] - assigned once

    # -- offers --------------------------------------------------------------------------------------------

    def accept_offers(
        self,
        offers: Offers,
        operations: OneOrMany[v1.OfferOperationLike],
        filters: v1.FiltersLike | None = None,
    ) -> Status:
        """Use offers of one agent for operations, in order; what is left over is declined.

        offers: Offer, OfferID or str, one or many. operations: Offer.Operation, one or many. filters: Filters
        for what is left over. A task in a LAUNCH without `agent_id` gets the one of the Offer.

        In a LAUNCH_GROUP, an executor without `framework_id` gets the framework's.

        Raises `EncodeError` if offers are missing, doubled, or of different agents, and for an operation or a
        task that Mesos would refuse, with Mesos' words.
        """
        return self._answer(self._native.accept_offers(offers, operations, filters))

    def launch_tasks(
        self, offers: Offers, tasks: OneOrMany[v1.TaskInfoLike], filters: v1.FiltersLike | None = None
    ) -> Status:
        """Launch tasks with offers of one agent; no tasks decline the offers.

        offers: Offer, OfferID or str, one or many. tasks: TaskInfo, one or many; without `agent_id` they get
        the one of the Offer, in a copy. filters: Filters for what is left over.

        Raises `EncodeError` if a task cannot be sent, or has no agent and only ids of offers were given, and
        for a task that Mesos would refuse, with Mesos' words: an id that is no name of a directory or is
        there twice, no resources, both command and executor, a check without its parts, and so on.
        """
        return self._answer(self._native.launch_tasks(offers, tasks, filters))

    def decline_offer(self, offers: Offers, filters: v1.FiltersLike | None = None) -> Status:
        """Give offers back: Offer, OfferID or str, one or many.

        filters: Filters or a dict: `{"refuse_seconds": 60}` asks not to be offered the same resources again
        for that long; Mesos waits 5 seconds without it.
        """
        return self._answer(self._native.decline_offer(offers, filters))

    def accept_inverse_offers(
        self, offer_ids: InverseOffers, filters: v1.FiltersLike | None = None
    ) -> Status:
        """Agree to maintenance: InverseOffer, OfferID or str, one or many."""
        return self._answer(self._native.accept_inverse_offers(offer_ids, filters))

    def decline_inverse_offers(
        self, offer_ids: InverseOffers, filters: v1.FiltersLike | None = None
    ) -> Status:
        """Object to maintenance: InverseOffer, OfferID or str, one or many."""
        return self._answer(self._native.decline_inverse_offers(offer_ids, filters))

    def revive_offers(self, roles: Iterable[str] | None = None) -> Status:
        """Ask for offers again despite filters and suppression.

        roles: names of some of the framework's roles; None is all, () sends nothing. Raises `EncodeError`
        for a role that the framework is not in: Mesos would do nothing, and say nothing.
        """
        return self._answer(self._native.revive_offers(roles))

    def suppress_offers(self, roles: Iterable[str] | None = None) -> Status:
        """Ask for no more offers until `revive_offers`, which takes the same roles."""
        return self._answer(self._native.suppress_offers(roles))

    def request_resources(self, requests: OneOrMany[v1.RequestLike]) -> Status:
        """Say what would be welcome (Request, one or many); Mesos' own allocator ignores it."""
        return self._answer(self._native.request_resources(requests))

    # -- tasks ---------------------------------------------------------------------------------------------

    def kill_task(
        self,
        task_id: v1.TaskIDLike,
        agent_id: v1.AgentIDLike | None = None,
        kill_policy: v1.KillPolicyLike | None = None,
    ) -> Status:
        """Ask for the end of a task (TaskID or str), gracefully as `kill_policy` or the task's own says.

        Unreliable as all calls: repeat it until a terminal update comes. Naming the agent (AgentID or str)
        helps after a change of master.
        """
        return self._answer(self._native.kill_task(task_id, agent_id, kill_policy))

    def reconcile_tasks(self, statuses: OneOrMany[v1.TaskStatusLike | v1.TaskIDLike]) -> Status:
        """Ask for the latest updates of tasks (TaskStatus, dict, TaskID or str, one or many); []: of all.

        Only `task_id` and `agent_id` of a status count.
        """
        return self._answer(self._native.reconcile_tasks(statuses))

    def reconcile_operations(
        self, operations: OneOrMany[v1.OperationStatusLike | v1.OperationIDLike]
    ) -> Status:
        """Ask for the latest updates of operations (OperationStatus, dict, OperationID or str); []: of all.

        Only `operation_id`, `agent_id` and `resource_provider_id` count.
        """
        return self._answer(self._native.reconcile_operations(operations))

    def acknowledge_status_update(self, status: v1.TaskStatusLike) -> Status:
        """Say that an update (TaskStatus) is safe with you; one without uuid needs none, and sends nothing.

        Raises RuntimeError if the driver acknowledges by itself (`implicit_acknowledgements`), `EncodeError`
        if the uuid is none.
        """
        return self._answer(self._native.acknowledge_status_update(status))

    def acknowledge_operation_status(self, status: v1.OperationStatusLike) -> Status:
        """Say that an operation's update (OperationStatus) is safe with you: `acknowledge_status_update`."""
        return self._answer(self._native.acknowledge_operation_status(status))

    # -- executors and the framework -----------------------------------------------------------------------

    def send_framework_message(
        self, executor_id: v1.ExecutorIDLike, agent_id: v1.AgentIDLike, data: bytes | bytearray | memoryview
    ) -> Status:
        """Send bytes to an executor (ExecutorID and AgentID, or str). Best effort: it may be lost."""
        return self._answer(self._native.send_framework_message(executor_id, agent_id, data))

    def shutdown_executor(self, executor_id: v1.ExecutorIDLike, agent_id: v1.AgentIDLike) -> Status:
        """Ask an executor (ExecutorID and AgentID, or str) to end, and its tasks with it."""
        return self._answer(self._native.shutdown_executor(executor_id, agent_id))

    def update_framework(
        self,
        framework: v1.FrameworkInfoLike | str,
        *,
        suppressed_roles: Iterable[str] | None = None,
        offer_constraints: v1.scheduler.OfferConstraintsLike | None = None,
    ) -> Status:
        """Change what the framework says about itself: FrameworkInfo, or a dict of all its fields.

        suppressed_roles, offer_constraints: as for the constructor; None leaves them as they are, but for
            roles that the framework leaves.

        Unset `user`, `hostname` and `principal` stay as they are; Mesos lets nobody change user, principal,
        checkpoint or id. What the master refuses is taken back, and `call_rejected` hears of it; roles
        suppressed or revived since stay so. Raises RuntimeError before the framework has an id,
        `ConfigurationError` or `EncodeError` for what Mesos would refuse.
        """
        now = self._native.framework
        info = _settings.framework(framework, now.principal or None, now)
        return self._answer(
            self._native.update_framework(
                info, suppressed_roles=suppressed_roles, offer_constraints=offer_constraints
            )
        )
