"""TLS to masters: what a user says of it, and what the environment says for libprocess.

Invariants:
* Files are read when a driver is made: what is wrong with one is a `ConfigurationError` that names it.
* A key is in no error and no `repr`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mesos.errors import ConfigurationError

#: What the native half takes: ca, cert and key in PEM, verify, server_name.
Settings: TypeAlias = tuple[bytes | None, bytes | None, bytes | None, bool, str | None]

#: Certificates or a key: the path of a file, or its content.
PEM: TypeAlias = str | os.PathLike[str] | bytes

_PREFIX = "LIBPROCESS_SSL_"
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, repr=False)
class TLS:
    """How to trust masters, and how they may trust us: `SchedulerDriver(…, tls=TLS(ca="ca.pem"))`.

    ca: certificates of the authorities that vouch for masters: a file, or a directory all of whose files are
        read. None: those of this system, or of $SSL_CERT_FILE.
    cert: a certificate of our own, for masters that want one, and those between it and one that they trust.
    key: the private key of `cert`, not encrypted.
    verify: False takes any master for the right one: whoever is in between reads and writes along, credential
        and token included.
    server_name: the name in the masters' certificates, if it is not the host that is connected to.

    Certificates and keys are in PEM: the path of a file, or its content as bytes. They are read when a driver
    is made, which raises `ConfigurationError` if something is wrong with them. TLS is 1.2 or 1.3.

    What the environment says for libprocess is heeded if $LIBPROCESS_SSL_ENABLED is true and no `TLS` is
    given: $LIBPROCESS_SSL_CA_FILE and _CA_DIR, _CERT_FILE and _KEY_FILE, and _VERIFY_SERVER_CERT, which is
    true here unless it says false.
    """

    ca: PEM | None = None
    cert: PEM | None = None
    key: PEM | None = None
    verify: bool = True
    server_name: str | None = None

    def __repr__(self) -> str:
        """Show all but the contents of files."""
        shown = (
            f"{name}={'…' if isinstance(value, bytes) else repr(value)}" for name, value in vars(self).items()
        )
        return f"TLS({', '.join(shown)})"


def settings(given: TLS | None) -> Settings | None:
    """Return what the native half takes, from the environment if nothing is given."""
    if given is None:
        return _from_environment()
    if not isinstance(given, TLS):
        raise TypeError(f"tls: a mesos.TLS or None is expected, not {type(given).__name__}")
    if not isinstance(given.verify, bool):
        raise TypeError(f"tls.verify: True or False is expected, not {type(given.verify).__name__}")
    if not isinstance(given.server_name, (str, type(None))):
        raise TypeError(f"tls.server_name: text is expected, not {type(given.server_name).__name__}")
    return (
        _read(given.ca, "tls.ca"),
        _read(given.cert, "tls.cert"),
        _read(given.key, "tls.key"),
        given.verify,
        given.server_name,
    )


def _from_environment() -> Settings | None:
    """Return what $LIBPROCESS_SSL_* say, if $LIBPROCESS_SSL_ENABLED does."""
    if not _flag("ENABLED", default=False):
        return None
    authorities = [_read_variable("CA_FILE"), _read_variable("CA_DIR")]
    found = [pem for pem in authorities if pem is not None]
    # Mesos' default is not to look; a program that sends its credential had better know to whom
    verify = _flag("VERIFY_SERVER_CERT", default=_flag("VERIFY_CERT", default=True))
    return (
        b"\n".join(found) if found else None,
        _read_variable("CERT_FILE"),
        _read_variable("KEY_FILE"),
        verify,
        None,
    )


def _flag(name: str, *, default: bool) -> bool:
    text = os.environ.get(_PREFIX + name)
    if text is None:
        return default
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise ConfigurationError(f'${_PREFIX}{name}: "true" or "false" is expected, not {text!r}') from None


def _read_variable(name: str) -> bytes | None:
    path = os.environ.get(_PREFIX + name)
    # libprocess takes file:// as well
    return _read(path.removeprefix("file://"), f"${_PREFIX}{name}") if path else None


def _read(given: PEM | None, what: str) -> bytes | None:
    if given is None or isinstance(given, bytes):
        return given
    try:
        path = Path(given)
    except TypeError:
        raise TypeError(f"{what}: a path, or PEM as bytes, is expected, not {type(given).__name__}") from None
    try:
        if not path.is_dir():
            return path.read_bytes()
        return b"\n".join(entry.read_bytes() for entry in sorted(path.iterdir()) if entry.is_file())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{what}: {str(given)!r} cannot be read: {error}") from None
