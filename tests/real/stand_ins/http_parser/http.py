"""`HttpParser` as pymesos uses it: reads one response, whose body is chunked or as long as it says."""

from __future__ import annotations


class HttpParser:
    """Fed with `execute`; hands out the body once, piece by piece."""

    def __init__(self) -> None:
        self._unread = b""
        self._body: list[bytes] = []
        self._status = 0
        self._headers: dict[str, str] = {}
        self._headers_complete = self._complete = False
        self._left = 0  # bytes of the chunk, or of the body, that have not come yet
        self._in_chunk = False

    def execute(self, data: bytes, length: int) -> int:
        """Read `data`; return how much of it was taken, which is all."""
        self._unread += data[:length]
        while self._step():
            pass
        return length

    def _step(self) -> bool:
        """Read the next piece if it is there."""
        if self._complete:
            return False
        if not self._headers_complete:
            return self._read_head()
        if self._in_chunk:
            return self._read_body()
        return self._read_size()

    def _read_head(self) -> bool:
        head, end, rest = self._unread.partition(b"\r\n\r\n")
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        self._status = int(first.split()[1])
        pairs = (line.partition(":") for line in lines)
        self._headers = {name.strip().title(): value.strip() for name, _, value in pairs}
        self._headers_complete, self._unread = True, rest
        if not self.is_chunked():
            self._left = int(self._headers.get("Content-Length", "0"))
            self._in_chunk, self._complete = True, self._left == 0
        return True

    def _read_size(self) -> bool:
        line, end, rest = self._unread.partition(b"\r\n")
        if not end:
            return False
        self._unread = rest
        if line:  # not the end of the chunk before
            self._left = int(line.partition(b";")[0], 16)
            self._in_chunk, self._complete = self._left > 0, self._left == 0
        return True

    def _read_body(self) -> bool:
        piece, self._unread = self._unread[: self._left], self._unread[self._left :]
        if not piece:
            return False
        self._body.append(piece)
        self._left -= len(piece)
        if self._left == 0:
            self._in_chunk, self._complete = False, not self.is_chunked()
        return True

    def get_errno(self) -> int:
        """Return 0: what cannot be read raises ValueError where it is read."""
        return 0

    def is_headers_complete(self) -> bool:
        return self._headers_complete

    def get_status_code(self) -> int:
        return self._status

    def get_headers(self) -> dict[str, str]:
        return self._headers

    def is_chunked(self) -> bool:
        return self._headers.get("Transfer-Encoding", "").lower() == "chunked"

    def is_partial_body(self) -> bool:
        return bool(self._body)

    def recv_body(self) -> bytes:
        """Return what of the body came since the last time."""
        body, self._body = b"".join(self._body), []
        return body

    def is_message_complete(self) -> bool:
        return self._complete
