"""Checks, health checks, and how long a task may take: of commands, and of the tasks of groups."""

from __future__ import annotations

from typing import Any

from ..conversation import Conversation
from .groups import DEAF, announced, default, launch
from .infos import task, waits

#: Says nothing of the state in which it is until there is the file "up".
SLEEPER = "touch up; exec sleep 1000"
AT_ONCE = {"delay_seconds": 0, "interval_seconds": 0.05, "timeout_seconds": 20, "grace_period_seconds": 0}
QUICK = {"kill_policy": {"grace_period": {"nanoseconds": 100_000_000}}}
#: For all of a group to run, and for what a shell does first: nothing else can be waited for.
LONG_ENOUGH = {"nanoseconds": 2_000_000_000}
#: Nobody listens there: what a kernel gives out by itself is higher.
NOWHERE = 1


def command(script: str, **more: Any) -> dict[str, Any]:
    """Return a health check."""
    return {"type": "COMMAND", "command": {"value": script}, **AT_ONCE, **more}


def checked(kind: str, info: dict[str, Any]) -> dict[str, Any]:
    """Return a check."""
    times = {name: value for name, value in AT_ONCE.items() if name != "grace_period_seconds"}
    return {"type": kind, kind.lower(): info, **times}


def healthy(talk: Conversation) -> None:
    talk.launch(task("t", SLEEPER, health_check=command("test -e up", grace_period_seconds=1000)))
    talk.until("TASK_RUNNING")
    assert talk.status()["healthy"]
    talk.call("RECONCILE", tasks=[])
    talk.status()
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")


def unhealthy(talk: Conversation) -> None:
    """It is killed after so many failures."""
    talk.launch(task("t", SLEEPER, health_check=command("exit 1", consecutive_failures=3)))
    talk.until("TASK_KILLED")


def well_again(talk: Conversation) -> None:
    """Healthy, unhealthy, healthy: it looks for a file that the look itself makes and takes away."""
    script = "n=$(ls n | wc -l); touch n/$n; test $n -ne 1"
    talk.launch(
        task("t", "mkdir n; exec sleep 1000", health_check=command(script, grace_period_seconds=1000))
    )
    talk.until("TASK_RUNNING")
    assert [talk.status()["healthy"] for _ in range(3)] == [True, False, True]


def unhealthy_and_deaf(talk: Conversation) -> None:
    """SIGKILL comes after the task's own grace period."""
    health = command(f"{waits('up')}; exit 1", consecutive_failures=1)
    info = task("t", f"trap '' TERM; {SLEEPER}", health_check=health, **QUICK)
    talk.launch(info)
    talk.until("TASK_KILLED")


def health_over_tcp_and_http(talk: Conversation) -> None:
    """Where nobody listens."""
    tcp = {"type": "TCP", "tcp": {"port": NOWHERE}, **AT_ONCE, "consecutive_failures": 1}
    http = {"type": "HTTP", "http": {"port": NOWHERE, "path": "/"}, **AT_ONCE, "consecutive_failures": 2}
    offer = talk.offer()
    talk.parallel = True
    talk.launch(task("tcp", SLEEPER, health_check=tcp), task("http", SLEEPER, health_check=http), offer=offer)
    talk.until("TASK_KILLED", "TASK_KILLED")


def check_by_command(talk: Conversation) -> None:
    """Its exit status is told when it changes."""
    script = "n=$(ls n | wc -l); touch n/$n; exit $((n / 3))"
    info = checked("COMMAND", {"command": {"value": script}})
    talk.launch(task("t", "mkdir n; exec sleep 1000", check=info))
    talk.until("TASK_RUNNING")
    while talk.status()["check_status"]["command"].get("exit_code") != 2:
        pass
    talk.call("KILL", task_id={"value": "t"})


def check_over_tcp_and_http(talk: Conversation) -> None:
    """Where nobody listens: a connection that fails is a result, a request that fails has none."""
    offer = talk.offer()
    talk.parallel = True
    talk.launch(
        task("tcp", SLEEPER, check=checked("TCP", {"port": NOWHERE})),
        task("http", "exec sleep 0.5", check=checked("HTTP", {"port": NOWHERE, "path": "/"})),
        offer=offer,
    )
    found, ended = False, False
    while not (found and ended):
        status = talk.status()
        found |= "succeeded" in status["check_status"].get("tcp", {})
        ended |= status["state"] == "TASK_FINISHED"


def check_and_health(talk: Conversation) -> None:
    """News of the one repeat what is known of the other; the end does not."""
    # A second look means that the first one was told of: each looks for the other's.
    look = "test -e first && touch second; touch first; test -e healthy && exit 4"
    health = command(f"test -e once && touch healthy; touch once; {waits('second')}")
    info = checked("COMMAND", {"command": {"value": look}})
    talk.launch(task("t", SLEEPER, check=info, health_check=health))
    while talk.status().get("check_status", {}).get("command", {}).get("exit_code") != 4:
        pass
    talk.call("KILL", task_id={"value": "t"})
    talk.until("TASK_KILLED")


def too_long(talk: Conversation) -> None:
    """max_completion_time, which knows no grace."""
    talk.launch(task("t", DEAF, max_completion_time=LONG_ENOUGH))
    talk.until("TASK_FAILED")


def group_unhealthy(talk: Conversation) -> None:
    """All of the group end, and all of them are unhealthy."""
    offer = talk.offer()
    talk.parallel = True
    health = command(f"{waits(talk.file('go'))}; exit 1", consecutive_failures=2)
    sick = announced(talk, "a", health_check=health)
    launch(talk, offer, (default(talk), [sick, announced(talk, "b")]))
    talk.until("TASK_RUNNING", "TASK_RUNNING")
    talk.until_there("a", "b")
    talk.file("go").touch()
    talk.until_lost("TASK_KILLED", "TASK_KILLED")


def group_too_long(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    limited = task("a", DEAF, max_completion_time=LONG_ENOUGH)
    launch(talk, offer, (default(talk), [limited, task("b", "exec sleep 1000")]))
    talk.until_lost("TASK_FAILED", "TASK_KILLED")


def group_checked(talk: Conversation) -> None:
    offer = talk.offer()
    talk.parallel = True
    info = checked("COMMAND", {"command": {"value": "exit $STATUS"}})
    variables = {"variables": [{"name": "STATUS", "value": "3"}]}
    one = announced(talk, "a", check=info)
    one["command"]["environment"] = variables
    launch(talk, offer, (default(talk), [one]))
    while talk.status()["check_status"]["command"].get("exit_code") != 3:
        pass
    talk.until_there("a")
    talk.call("KILL", task_id={"value": "a"})
    talk.until_lost("TASK_KILLED")


CONVERSATIONS = [
    healthy,
    unhealthy,
    well_again,
    unhealthy_and_deaf,
    health_over_tcp_and_http,
    check_by_command,
    check_over_tcp_and_http,
    check_and_health,
    too_long,
    group_unhealthy,
    group_too_long,
    group_checked,
]
