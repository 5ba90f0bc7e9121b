"""The environment that an agent gives an executor: what is read of it, and what is wrong with another."""

from __future__ import annotations

from typing import Any

import mesos
import pytest
from mesos._environment import Environment

AGENT = {
    "MESOS_FRAMEWORK_ID": "framework-1",
    "MESOS_EXECUTOR_ID": "executor-1",
    "MESOS_SLAVE_ID": "agent-1",
    "MESOS_SLAVE_PID": "slave(1)@10.0.0.1:5051",
}


@pytest.fixture(autouse=True)
def _no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBPROCESS_SSL_ENABLED", raising=False)


def test_what_an_agent_need_not_say() -> None:
    found = Environment(AGENT)
    assert (found.framework_id, found.executor_id, found.agent_id) == ("framework-1", "executor-1", "agent-1")
    assert (found.address, found.prefix) == ("10.0.0.1:5051", "/slave(1)")
    assert (found.domain_socket, found.token, found.tls) == (None, None, None)
    assert not found.checkpoint
    assert (found.recovery_timeout, found.backoff_max, found.grace_period) == (900, 2, 5)


@pytest.mark.parametrize(
    ("more", "name", "expected"),
    [
        ({"MESOS_SLAVE_PID": "slave(7)@[::1]:1"}, "prefix", "/slave(7)"),
        ({"MESOS_SLAVE_PID": "slave(7)@[::1]:1"}, "address", "[::1]:1"),
        ({"MESOS_SLAVE_PID": "", "MESOS_AGENT_ENDPOINT": "h:5"}, "address", "h:5"),
        ({"MESOS_SLAVE_PID": "", "MESOS_AGENT_ENDPOINT": "h:5"}, "prefix", "/slave(1)"),
        ({"MESOS_DOMAIN_SOCKET": "/run/agent.sock"}, "domain_socket", "/run/agent.sock"),
        ({"MESOS_CHECKPOINT": "1"}, "checkpoint", True),
        ({"MESOS_CHECKPOINT": "0"}, "checkpoint", False),
        ({"MESOS_RECOVERY_TIMEOUT": "1.5hrs"}, "recovery_timeout", 5400),
        ({"MESOS_RECOVERY_TIMEOUT": "2weeks"}, "recovery_timeout", 2 * 7 * 86400),
        ({"MESOS_RECOVERY_TIMEOUT": "1days"}, "recovery_timeout", 86400),
        ({"MESOS_SUBSCRIPTION_BACKOFF_MAX": "250ms"}, "backoff_max", 0.25),
        ({"MESOS_SUBSCRIPTION_BACKOFF_MAX": "5us"}, "backoff_max", 5e-6),
        ({"MESOS_SUBSCRIPTION_BACKOFF_MAX": "0ns"}, "backoff_max", 0),
        ({"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "3mins"}, "grace_period", 180),
        ({"MESOS_LOCAL": ""}, "grace_period", None),
        ({"MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "t"}, "token", "t"),
    ],
)
def test_what_an_agent_may_say(more: dict[str, str], name: str, expected: Any) -> None:
    assert getattr(Environment({**AGENT, **more}), name) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            dict.fromkeys(AGENT, ""),
            "MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID, MESOS_SLAVE_ID, MESOS_SLAVE_PID are",
        ),
        ({"MESOS_EXECUTOR_ID": ""}, ": MESOS_EXECUTOR_ID is not set"),
        ({"MESOS_CHECKPOINT": "true"}, 'MESOS_CHECKPOINT: "1" or "0" is expected, not \'true\''),
        ({"MESOS_RECOVERY_TIMEOUT": "15"}, "MESOS_RECOVERY_TIMEOUT: a time such as 5secs"),
        ({"MESOS_RECOVERY_TIMEOUT": "secs"}, "not 'secs'"),
        ({"MESOS_RECOVERY_TIMEOUT": "5 secs!"}, "not '5 secs!'"),
        ({"MESOS_RECOVERY_TIMEOUT": "infsecs"}, "not 'infsecs'"),
        ({"MESOS_SUBSCRIPTION_BACKOFF_MAX": "-1secs"}, "MESOS_SUBSCRIPTION_BACKOFF_MAX"),
        ({"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5s"}, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD.*mins"),
        ({"MESOS_SLAVE_PID": "slave(1)@nowhere"}, "nowhere.*no port"),
        ({"MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "s3\ncret"}, "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, change: dict[str, str], words: str) -> None:
    for name, value in {**AGENT, **change}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(mesos.ConfigurationError, match=words) as raised:
        mesos.ExecutorDriver(mesos.Executor()).start()
    assert "cret" not in str(raised.value)
