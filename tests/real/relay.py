"""A TCP relay in front of a daemon: what cuts a scheduler off from a master that goes on.

with Relay(cluster.master) as relay:
    driver = mesos.SchedulerDriver(scheduler, "test", relay.address)
    ...
    relay.cut()     # ends every connection; new ones are ended at once
    relay.mend()    # new ones get through again
"""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Relays connections to `target` ("host:port"); `address` is where it listens."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._lock = threading.Lock()  # guards what follows
        self._through = True
        self._closing = False
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="relay")]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection, also those that come before `mend`."""
        with self._lock:
            self._through = False
            for one in self._sockets:
                with contextlib.suppress(OSError):  # its peer may have ended it already
                    one.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._through = True

    def close(self) -> None:
        """End everything and wait for the threads."""
        self.cut()
        with self._lock:
            self._closing = True
        socket.create_connection(self._listener.getsockname()).close()  # wakes accept() on every system
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            with self._lock:
                if self._closing or not self._through:
                    near.close()
                    if self._closing:
                        return
                    continue
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for pair in ((near, far), (far, near)):
                    thread = threading.Thread(target=_copy, args=pair, name="relayed connection")
                    self._threads.append(thread)
                    thread.start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, and its end; each of the two threads of a connection closes what it reads from."""
    with source, contextlib.suppress(OSError):  # cut
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
