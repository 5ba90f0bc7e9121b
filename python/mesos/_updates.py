"""Which updates were handled already: for schedulers that must not handle one twice."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mesos import v1

_BYTES = (bytes, bytearray, memoryview)


class HandledUpdates:
    """The uuids of the updates that a scheduler has handled, to recognise those that come again.

    Mesos says an update again until it has the acknowledgement: after a crash, a reconnection, or when ten
    seconds were not enough. Most schedulers need not care, as the same state twice does no harm. Where it
    does, ask first and note it last::

        def status_update(self, driver, status):
            if status in self.handled:
                return  # acknowledged again, as it should be
            ...
            self.handled.add(status)

    Updates of tasks (TaskStatus) and of operations (OperationStatus) may share one. An update without a uuid,
    such as an answer to a reconciliation, says how things are and is never in it.

    uuids: what another one held; to get over a restart, keep the uuid in your own store together with what
        the update changed there, and give them all here. Empty ones, of updates without a uuid, are left
        out; TypeError for anything but bytes. limit: how many are remembered; the oldest are forgotten first.
        It has to hold those that came while an acknowledgement was on its way.

    Iterating gives the uuids (bytes), oldest first. It can be pickled and copied. Not for several threads at
    once; the handlers of one driver never are.
    """

    def __init__(self, uuids: Iterable[bytes] = (), *, limit: int = 50_000) -> None:
        if limit < 1:
            raise ValueError(f"limit: at least 1 is expected, not {limit}")
        self._limit = limit
        # a set that keeps the order; the oldest of a plain dict is found ever more slowly
        self._uuids: OrderedDict[bytes, None] = OrderedDict()
        if isinstance(uuids, _BYTES):
            raise TypeError("uuids: several are expected, not one: write [uuid]")
        for uuid in uuids:
            if not isinstance(uuid, _BYTES):
                raise TypeError(f"uuids: bytes are expected in it, not {type(uuid).__name__} {uuid!r:.80}")
            if uuid:
                self._add(bytes(uuid))

    def add(self, status: v1.TaskStatus | v1.OperationStatus) -> None:
        """Note that an update was handled; nothing happens if it has no uuid or was noted before."""
        if uuid := _uuid(status):
            self._add(uuid)

    def __contains__(self, status: v1.TaskStatus | v1.OperationStatus) -> bool:
        """Whether this update was handled before."""
        return _uuid(status) in self._uuids

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the uuids, oldest first."""
        return iter(self._uuids)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._uuids)

    def __repr__(self) -> str:
        return f"<HandledUpdates: {len(self)} of at most {self._limit}>"

    def _add(self, uuid: bytes) -> None:
        self._uuids[uuid] = None
        if len(self._uuids) > self._limit:
            self._uuids.popitem(last=False)


def _uuid(status: v1.TaskStatus | v1.OperationStatus) -> bytes:
    """Return the uuid of an update: bytes in one, a message in the other; empty if it has none."""
    try:
        uuid = status.uuid
    except AttributeError:
        raise TypeError(f"TaskStatus or OperationStatus expected, not {type(status).__name__}") from None
    return uuid if isinstance(uuid, bytes) else uuid.value
