"""What an agent tells an executor in the environment variables that it starts it with.

Invariants:
* Everything wrong is a `ConfigurationError` that names the variable; what lacks is named all at once.
* The authentication token is in no error. It leaves the environment with `forget_token`: programs that the
  executor starts do not inherit it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesos import _settings
from mesos.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from mesos.tls import Settings

_TOKEN = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"  # noqa: S105 - its name
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1.0,
    "mins": 60.0,
    "hrs": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}


class Environment:
    """The variables, read and checked; times are in seconds."""

    def __init__(self, variables: Mapping[str, str], *, libmesos: bool = False) -> None:
        """Read the variables, whose names are those of the process' environment.

        libmesos: it reads them, too, and ends the process over what it does not find.
        """
        known = {name: value for name, value in variables.items() if value}
        required = ["MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID", "MESOS_SLAVE_ID"]
        if libmesos:
            required += ["MESOS_SLAVE_PID", "MESOS_DIRECTORY"]
        missing = [name for name in required if name not in known]
        if not libmesos and not {"MESOS_SLAVE_PID", "MESOS_AGENT_ENDPOINT"} & set(known):
            missing.append("MESOS_SLAVE_PID")
        if missing:
            lacking = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
            raise ConfigurationError(
                f"the environment is not that of an executor: {lacking}; a Mesos agent sets it for the "
                "command of a TaskInfo's `executor`"
            )
        self.framework_id = known["MESOS_FRAMEWORK_ID"]
        self.executor_id = known["MESOS_EXECUTOR_ID"]
        self.agent_id = known["MESOS_SLAVE_ID"]
        process, _, address = known.get("MESOS_SLAVE_PID", "slave(1)@").partition("@")
        #: host and port of the agent
        self.address = address if libmesos else address or known.get("MESOS_AGENT_ENDPOINT", "")
        #: the path below which its API is
        self.prefix = f"/{process}"
        self.domain_socket = known.get("MESOS_DOMAIN_SOCKET")
        self.checkpoint = _flag(known, "MESOS_CHECKPOINT")
        times = variables if libmesos else known
        self.recovery_timeout = _time(times, "MESOS_RECOVERY_TIMEOUT", "15mins")
        self.backoff_max = _time(times, "MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs")
        grace_period = _time(times, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs")
        #: from a shutdown to the end of the process group; None: nobody ends it
        self.grace_period = None if "MESOS_LOCAL" in variables else grace_period
        self.token = known.get(_TOKEN)
        plain = libmesos or self.domain_socket
        self.tls: Settings | None = None if plain else _settings.tls(None)


def forget_token(variables: MutableMapping[str, str]) -> None:
    """Take the authentication token out of the environment."""
    variables.pop(_TOKEN, None)


def _flag(known: Mapping[str, str], name: str) -> bool:
    value = known.get(name, "0")
    if value not in {"0", "1"}:
        raise ConfigurationError(f'{name}: "1" or "0" is expected, not {value!r}')
    return value == "1"


def _time(known: Mapping[str, str], name: str, default: str) -> float:
    """Return the seconds of a time as Mesos writes it: 5secs, 1.5mins."""
    value = known.get(name, default)
    number = value.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        seconds = float(number) * _SECONDS[value[len(number) :]]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 <= seconds <= _settings.LONGEST:
        raise ConfigurationError(
            f"{name}: a time such as 5secs is expected (units: {', '.join(_SECONDS)}), not {value!r}"
        )
    return seconds
