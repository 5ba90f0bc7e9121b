"""What a driver's constructor is given, in the forms that users write it, as the native half wants it.

Invariants:
* Everything wrong is a `ConfigurationError` that names the argument; a secret is in none of them.
* The user's objects are copied, never changed.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesos import _mesos
from mesos._seconds import seconds
from mesos.errors import ConfigurationError

if TYPE_CHECKING:
    from mesos.local import LocalCluster
    from mesos.tls import TLS, Settings
    from mesos.v1 import CredentialLike, FrameworkInfo, FrameworkInfoLike

#: The longest time that Mesos can say, in seconds: 2**63 nanoseconds, 292 years.
LONGEST = 9.2e9


def framework(
    given: FrameworkInfoLike | str, principal: str | None, now: FrameworkInfo | None = None
) -> FrameworkInfo:
    """Return a FrameworkInfo of the user's own, with user, hostname and principal filled in.

    now: what the framework says of itself until now; else this user and host are filled in.
    """
    import mesos  # noqa: PLC0415 - the package imports this module

    if isinstance(given, str):
        made = mesos.FrameworkInfo(name=given)
    elif isinstance(given, Mapping):
        made = mesos.FrameworkInfo(**given)
    elif type(given).__name__ == "FrameworkInfo" and hasattr(given, "SerializePartialToString"):
        made = mesos.FrameworkInfo.FromString(given.SerializePartialToString())
    else:
        raise TypeError(
            f"framework: FrameworkInfo, dict or str (its name) expected, not {type(given).__name__}"
        )
    if not made.name:
        raise ConfigurationError("framework.name: it is not set; every framework has a name")
    if not 0 <= made.failover_timeout <= LONGEST:
        raise ConfigurationError(
            f"framework.failover_timeout: seconds from 0 to {LONGEST:g} are expected, "
            f"not {made.failover_timeout}"
        )
    if not made.user:
        made.user = _user() if now is None else now.user
    if not made.hostname:
        made.hostname = os.uname().nodename if now is None else now.hostname
    if principal is not None and not made.principal:
        made.principal = principal
    return made


def _user() -> str:
    """Name the OS user; its number in a container that has no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def credential(
    given: CredentialLike | tuple[str, str] | str | os.PathLike[str] | None,
) -> tuple[str, str | None] | None:
    """Return principal and secret of a Credential, a dict, a pair, or the path of Mesos' credential file."""
    if given is None:
        return None
    principal: object
    secret: object
    if isinstance(given, (str, os.PathLike)):
        principal, secret = _read(given)
    elif isinstance(given, Mapping):
        unknown = set(given) - {"principal", "secret"}
        if unknown:
            raise ConfigurationError(
                f"credential: it has no {sorted(map(str, unknown))[0]!r}; only principal and secret"
            )
        principal, secret = given.get("principal"), given.get("secret")
    elif isinstance(given, (tuple, list)) and len(given) == 2:  # noqa: PLR2004 - a pair
        principal, secret = given
    elif hasattr(given, "principal") and hasattr(given, "secret"):
        principal, secret = given.principal, given.secret or None
    else:
        raise ConfigurationError(
            "credential: Credential, dict, (principal, secret) or a path is expected, "
            f"not {type(given).__name__}"
        )
    if not isinstance(principal, str) or not principal:
        raise ConfigurationError("credential: principal must be text, and not empty")
    if isinstance(secret, bytes):
        secret = secret.decode(errors="surrogateescape")
    if secret is not None and not isinstance(secret, str):
        raise ConfigurationError(f"credential: secret must be text, not {type(secret).__name__}")
    _encodable(principal, "credential: principal")
    _encodable(secret or "", "credential: secret")
    return principal, secret


def _encodable(text: str, what: str) -> None:
    """Refuse text that is no UTF-8; the codec's own error would hold all of it, secret or not."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigurationError(f"{what}: it holds characters that cannot be written in UTF-8")


def _read(path: str | os.PathLike[str]) -> tuple[object, object]:
    """Read a credential file of Mesos': JSON, or principal and secret on one line."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"credential: the file {os.fspath(path)!r} cannot be read: {error}"
        ) from None
    if text.startswith("{"):
        try:
            import json  # noqa: PLC0415 - few have such a file

            found: dict[str, object] | None = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found.get("principal"), found.get("secret")
    words = text.split()
    if len(words) != 2 or text.startswith("{"):  # noqa: PLR2004 - a pair
        raise ConfigurationError(
            f'credential: the file {os.fspath(path)!r} must hold {{"principal": …, "secret": …}}, '
            "or both words on one line"
        )
    return words[0], words[1]


def token(given: str | None) -> str | None:
    """Return the bearer token."""
    if given is not None and (not isinstance(given, str) or not given):
        raise ConfigurationError(f"token: text is expected, and not empty, not {type(given).__name__}")
    _encodable(given or "", "token")
    return given


def flag(given: object, name: str) -> bool:
    """Return what must be True or False."""
    if not isinstance(given, bool):
        raise TypeError(f"{name}: True or False is expected, not {type(given).__name__}")
    return given


def reconcile(given: str | None) -> bool:
    """Return whether the driver is to reconcile its tasks by itself."""
    if given not in {None, "auto"}:
        raise ConfigurationError(f'reconcile: "auto" or None is expected, not {given!r}')
    return given is not None


def connect_timeout(given: float | None) -> float | None:
    """Return the seconds that a first registration may take; None is for ever."""
    try:
        found = seconds(given, "connect_timeout")
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if given is not None and given < 0:
        raise ConfigurationError("connect_timeout: a number of seconds from 0 up, or None, is expected")
    return found


def tls(given: TLS | None) -> Settings | None:
    """Return the PEM and the rest of what is to be said of TLS; None is $LIBPROCESS_SSL_*."""
    if given is None and "LIBPROCESS_SSL_ENABLED" not in os.environ:
        return None  # as most do: the module is not needed
    from mesos.tls import settings  # noqa: PLC0415 - only who uses it pays for it

    return settings(given)


def master(given: str | LocalCluster | None, tls: TLS | None) -> str | LocalCluster:
    """Return an address that was looked at, "local", or a LocalCluster; None is $MESOS_MASTER."""
    if given is None:
        given = os.environ.get("MESOS_MASTER") or None
        if given is None:
            raise ConfigurationError(
                'master: none is given, and $MESOS_MASTER is not set; "local" is a cluster in this process'
            )
    if isinstance(given, str):
        if given != "local":
            _encodable(given, "master")
            _mesos.check_master(given)
        if tls is not None and (given == "local" or "http://" in given):
            raise ConfigurationError(f"tls: {given!r} speaks plain HTTP; leave tls out, or write https://")
        return given
    if isinstance(getattr(given, "master", None), str):
        if tls is not None:
            raise ConfigurationError("tls: an embedded cluster speaks plain HTTP; leave tls out")
        return given
    found = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    raise ConfigurationError(
        'master: an address ("host:port" or "zk://host:port/path"), "local" or a LocalCluster expected, '
        f"not {found}"
    )


def library(given: str | os.PathLike[str] | None, backend: str) -> str | None:
    """Return the path of the libmesos to use, empty for that of the environment; None is no libmesos."""
    if backend == "libmesos":
        return "" if given is None else os.fspath(given)
    if backend != "http":
        raise ConfigurationError(
            f'backend: "http", "libmesos" or a mesos.testing.ScriptedBackend expected, not {backend!r}'
        )
    if given is not None:
        raise ConfigurationError('library: it is of use only with backend="libmesos"')
    return None


def libmesos_master(given: str | LocalCluster | None, tls: TLS | None, token: str | None) -> str:
    """Return an address that libmesos understands; None is $MESOS_MASTER."""
    if token is not None:
        raise ConfigurationError(
            'token: libmesos does not speak HTTP; give it a credential, or use backend="http"'
        )
    if tls is not None:
        raise ConfigurationError("tls: libmesos reads $LIBPROCESS_SSL_* instead; leave tls out")
    if given is not None and not isinstance(given, str):
        raise ConfigurationError('master: an embedded cluster speaks HTTP; use backend="http"')
    address = given or os.environ.get("MESOS_MASTER") or None
    if address is None:
        raise ConfigurationError("master: none is given, and $MESOS_MASTER is not set")
    _encodable(address, "master")
    _mesos.check_libmesos_master(address)
    return address


def address(master: str | LocalCluster) -> tuple[str, bool]:
    """Return where a master is, and whether it is embedded, which never speaks TLS."""
    if master == "local":
        from mesos.local import LocalCluster  # noqa: PLC0415 - only who uses it pays for it

        master = LocalCluster.default()
    return (master, False) if isinstance(master, str) else (f"http://{master.master}", True)
