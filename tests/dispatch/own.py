"""A dispatcher as a user may write one: a thread that watches the descriptor with `selectors`."""

from __future__ import annotations

import selectors
import threading

from mesos.dispatch import Dispatcher


class OwnDispatcher(Dispatcher):
    """Handlers run on a thread that may watch other descriptors, too."""

    awaits = False

    def start(self) -> None:
        """Begin to watch."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.fileno(), selectors.EVENT_READ)
        threading.Thread(target=self._watch, name="own", daemon=True).start()

    def close(self) -> None:
        """Stop watching; this is called on that thread."""
        self._selector.close()

    def _watch(self) -> None:
        while not self.ended:
            self._selector.select()
            self.drain()
