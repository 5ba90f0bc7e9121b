"""A scripted Mesos master over raw sockets, for what no real master does on request.

It does only what its script says, one behaviour for each SUBSCRIBE (or, for those that do not wait for one,
each connection); the last behaviour repeats. Calls are answered with 202 unless ``answering`` says otherwise.
It knows nothing of the package under test: messages go in and out as bytes.

    with ScriptedMaster(status(503), cut(20), subscribe()) as master:
        driver = mesos.SchedulerDriver(scheduler, "test", master.address)
        ...
        master.push(event)                      # an object with SerializeToString(), or bytes
        request = master.calls.get(timeout=10)  # Request(path, headers, body)

Every socket is on loopback and every port the system's choice. ``close`` (or the end of the ``with`` block)
closes all connections and waits for the threads.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class _Message(Protocol):
    def SerializeToString(self) -> bytes: ...  # noqa: N802


@dataclass(frozen=True)
class Request:
    """One HTTP request: header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """The master's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._input = sock.makefile("rb")
        self._abrupt = False

    def request(self) -> Request | None:
        """Read a request; None if the client closed the connection."""
        try:
            line = self._input.readline()
            if not line.endswith(b"\n"):
                return None
            headers = {}
            while (header := self._input.readline()) not in (b"\r\n", b""):
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            body = self._input.read(int(headers.get("content-length", 0)))
        except OSError:
            return None
        return Request(line.split()[1].decode("ascii"), headers, body)

    def send(self, data: bytes) -> None:
        """Send bytes as they are; nothing happens if the client is gone."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.close()

    def chunk(self, data: bytes) -> None:
        """Send a part of the body of an answer in chunks."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def wait_closed(self) -> None:
        """Wait until the client, or `close`, closes the connection."""
        with contextlib.suppress(OSError):
            while self._input.read(65536):
                pass

    def close(self) -> None:
        """Close it, also under a thread that reads from it."""
        if self._abrupt:
            return
        with contextlib.suppress(OSError):  # the client may have closed it already
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # an SSLSocket's own fails the reader

    def reset(self) -> None:
        """Reset it, as the end of a process with unread input does; also under a thread that reads."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._abrupt = True
        with contextlib.suppress(OSError):  # the client may have closed it already
            socket.socket.shutdown(self._socket, socket.SHUT_RD)  # wakes that thread, and `release` follows

    def release(self) -> None:
        """Close it and give the descriptor back; only the thread that reads may do that."""
        self.close()
        self._input.close()
        self._socket.close()


@dataclass(frozen=True)
class Behaviour:
    """What happens with a SUBSCRIBE, or with a connection before anything is read from it."""

    act: Callable[[ScriptedMaster, Connection], None]
    speaks_first: bool = False


def status(code: int, words: str = "", headers: dict[str, str] | None = None) -> Behaviour:
    """Answer with this HTTP status."""
    return raw(_answer(code, words, headers or {}))


def redirect(address: str) -> Behaviour:
    """Send the client to another master, with the kind of Location that Mesos sends."""
    return status(307, headers={"Location": f"//{address}/api/v1/scheduler"})


def subscribe(framework_id: str = "framework-1", heartbeat: float | None = None) -> Behaviour:
    """Accept the subscription: `ScriptedMaster.push` reaches it from then on."""

    def act(master: ScriptedMaster, connection: Connection) -> None:
        connection.send(STREAM)
        connection.chunk(record(subscribed(framework_id, heartbeat)))
        master._attach(connection)
        connection.wait_closed()

    return Behaviour(act)


def cut(after: int, framework_id: str = "framework-1", then: bytes = b"") -> Behaviour:
    """Accept the subscription and close the stream after so many bytes of SUBSCRIBED and of `then`."""
    records = record(subscribed(framework_id)) + then

    def act(_: ScriptedMaster, connection: Connection) -> None:
        connection.send(STREAM)
        if after:
            connection.chunk(records[:after])

    return Behaviour(act)


def raw(data: bytes) -> Behaviour:
    """Answer with these bytes, HTTP or not, and close."""
    return Behaviour(lambda _, connection: connection.send(data))


def pieces(*parts: bytes) -> Behaviour:
    """Answer with these bytes, each part by itself, and leave the connection open."""

    def act(master: ScriptedMaster, connection: Connection) -> None:
        for part in parts:
            connection.send(part)
        master._attach(connection)
        connection.wait_closed()

    return Behaviour(act)


def reset(after: bytes = b"", *, at_once: bool = False) -> Behaviour:
    """Answer with these bytes and reset the connection; `at_once`: before anything is read from it."""

    def act(_: ScriptedMaster, connection: Connection) -> None:
        connection.send(after)
        connection.reset()

    return Behaviour(act, speaks_first=at_once)


def banner(data: bytes = b"SSH-2.0-OpenSSH_9.2p1\r\n") -> Behaviour:
    """Speak first, as no HTTP server does, and leave the connection open."""

    def act(_: ScriptedMaster, connection: Connection) -> None:
        connection.send(data)
        connection.wait_closed()

    return Behaviour(act, speaks_first=True)


def silent() -> Behaviour:
    """Take the SUBSCRIBE and never answer."""
    return Behaviour(lambda _, connection: connection.wait_closed())


class ScriptedMaster:
    """A listener that follows a script; see the module's text.

    script: what happens with each SUBSCRIBE in turn; `subscribe()` if empty. answering: gives (status, words)
    for a call, None for 202, or bytes to answer with, HTTP or not, before the connection is reset. tls: makes
    it speak TLS; may be changed for the connections to come.

    address: "127.0.0.1:port". subscribes, calls: what arrived, as `Request`s.
    """

    def __init__(
        self,
        *script: Behaviour,
        answering: Callable[[Request], tuple[int, str] | bytes | None] = lambda _: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.subscribes: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self.calls: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._script = list(script) or [subscribe()]
        self._answering = answering
        self.tls = tls
        self._changed = threading.Condition()  # guards what follows
        self._closing = False
        self._connections: list[Connection] = []
        self._streams: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._listener = self._listen()
        self._accepting = threading.Thread(target=self._accept, name="scripted master")
        self._accepting.start()

    def push(self, event: bytes | _Message, timeout: float = 10) -> None:
        """Send an event, or bytes that should be one, to the subscriber, once there is one."""
        self._stream(timeout).chunk(record(event))

    def push_raw(self, data: bytes, timeout: float = 10) -> None:
        """Send bytes of the stream as they are, such as a part of a record."""
        self._stream(timeout).chunk(data)

    def cut(self, timeout: float = 10) -> None:
        """Close the subscriber's stream, once there is one."""
        stream = self._stream(timeout)
        with self._changed:
            self._streams.remove(stream)
        stream.close()

    def close(self) -> None:
        """Close everything and wait for the threads."""
        with self._changed:
            self._closing = True
            for connection in self._connections:
                connection.close()
        with contextlib.suppress(OSError):  # it may be closed already
            self._connect().close()  # wakes accept() on every system
        self._accepting.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> ScriptedMaster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*listener.getsockname()[:2])
        return listener

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._listener.getsockname()[:2])

    def _is_subscribe(self, request: Request) -> bool:
        return "mesos-stream-id" not in request.headers

    def _stream(self, timeout: float) -> Connection:
        with self._changed:
            if not self._changed.wait_for(lambda: self._streams, timeout):
                raise TimeoutError("nobody subscribed")
            return self._streams[-1]

    def _attach(self, stream: Connection) -> None:
        with self._changed:
            self._streams.append(stream)
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if (tls := self.tls) is not None:  # the handshake is a matter of the thread that first reads
                sock = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            connection = Connection(sock)
            with self._changed:
                if self._closing:
                    connection.release()
                    return
                self._connections.append(connection)
                thread = threading.Thread(target=self._serve, args=[connection], name="scripted connection")
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            if self._script[0].speaks_first:
                self._next().act(self, connection)
                return
            while (request := connection.request()) is not None:
                if self._is_subscribe(request):
                    self.subscribes.put(request)
                    self._next().act(self, connection)
                    return
                self.calls.put(request)
                answer = self._answering(request)
                if isinstance(answer, bytes):
                    reset(answer).act(self, connection)
                    return
                connection.send(_answer(*(answer or (202, "")), {}))
        finally:
            with self._changed:
                self._connections.remove(connection)
                if connection in self._streams:
                    self._streams.remove(connection)
            connection.release()

    def _next(self) -> Behaviour:
        with self._changed:
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: stream-1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def _answer(code: int, words: str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body = words.encode()
    return f"HTTP/1.1 {code} Scripted\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def record(event: bytes | _Message) -> bytes:
    """Frame an event as a record of the stream."""
    data = event if isinstance(event, bytes) else event.SerializeToString()
    return b"%d\n%s" % (len(data), data)


def subscribed(framework_id: str = "framework-1", heartbeat: float | None = None) -> bytes:
    """Make a SUBSCRIBED event: type 1, whose body is field 2."""
    body = _bytes(1, _bytes(1, framework_id.encode()))
    if heartbeat is not None:
        body += b"\x11" + struct.pack("<d", heartbeat)
    return b"\x08\x01" + _bytes(2, body)


def error(message: str) -> bytes:
    """Make an ERROR event: type 7, whose body is field 8."""
    return b"\x08\x07" + _bytes(8, _bytes(1, message.encode()))


def _bytes(number: int, data: bytes) -> bytes:
    """Encode a field of bytes, text or a message; up to 127 bytes, which is plenty here."""
    return bytes([number << 3 | 2, len(data)]) + data
