"""A situation in which a cluster has something of everything to tell, for what reads its endpoints.

Two frameworks: one that was torn down, after a task of its own; and one that is there, with a role, commands
that run, have finished and have failed, an executor with a running and a finished task, a reservation and a
volume that is in use.

Invariants
* It has come about when `Situation` is constructed: nothing changes any more until it is closed.
* The names are the same on every cluster.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .cluster import wait_until
from .conversation import Conversation
from .conversations.infos import executor, scalar, scripted, task
from .operator_calls import ask

FRAMEWORK: dict[str, Any] = {
    "name": "situation",
    "roles": ["situation/inner"],
    "failover_timeout": 60.0,
    "checkpoint": True,
    "webui_url": "http://127.0.0.1:1/ui",
    "labels": {"labels": [{"key": "a", "value": "b"}]},
    "capabilities": [
        {"type": name}
        for name in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT")
    ],
}
LABELS = {"labels": [{"key": "k", "value": "v"}, {"key": "bare"}]}
DISCOVERY = {
    "visibility": "CLUSTER",
    "name": "web",
    "environment": "test",
    "location": "here",
    "version": "1",
    "ports": {"ports": [{"number": 80, "name": "http", "protocol": "tcp", "visibility": "EXTERNAL"}]},
    "labels": {"labels": [{"key": "d", "value": "e"}]},
}
KILL_POLICY = {"grace_period": {"nanoseconds": 1_000_000_000}}
ENVIRONMENT = {"variables": [{"name": "SOME", "value": "thing"}]}


def reserved(name: str, value: float, **more: Any) -> dict[str, Any]:
    return scalar(name, value) | {"reservations": [{"type": "DYNAMIC", "role": FRAMEWORK["roles"][0]}]} | more


VOLUME = reserved(
    "disk", 64, disk={"persistence": {"id": "v"}, "volume": {"mode": "RW", "container_path": "data"}}
)
#: What each task comes to.
STATES = {
    "done": "TASK_FINISHED",
    "failed": "TASK_FAILED",
    "running": "TASK_RUNNING",
    "of-executor": "TASK_RUNNING",
    "of-executor-done": "TASK_FINISHED",
}
RUNNING = 2  # executors


class Situation:
    """A cluster's frameworks, tasks and executors, until it is closed."""

    def __init__(self, master: str) -> None:
        self.former = Conversation(master, name="former")
        self.former.launch(task("old", "echo old"))
        self.former.until("TASK_FINISHED")
        self.former.call("TEARDOWN")
        self.former.close()
        self.talk = Conversation(master, **FRAMEWORK)
        offer = self.talk.offer()
        self.agent_id: str = offer["agent_id"]["value"]
        self.framework_id: str = self.talk.id["value"]
        tasks = [{**one, "agent_id": offer["agent_id"]} for one in self._tasks()]
        operations = [
            self._operation("RESERVE", "resources", reserved("cpus", 1), reserved("disk", 64)),
            self._operation("CREATE", "volumes", VOLUME),
            {"type": "LAUNCH", "launch": {"task_infos": tasks}},
        ]
        filters = {"refuse_seconds": 1000}
        self.talk.call("ACCEPT", offer_ids=[offer["id"]], operations=operations, filters=filters)
        waiting = dict(STATES)
        while waiting:
            status = self.talk.status()
            if waiting.get(status["task_id"]["value"]) == status["state"]:
                del waiting[status["task_id"]["value"]]
        self._settle()

    def be_offered(self) -> None:
        """Have the rest offered, and leave it at that."""
        self.talk.offered = False
        self.talk.call("REVIVE")
        self.talk.expect("OFFERS")

    def close(self) -> None:
        self.talk.call("TEARDOWN")
        self.talk.close()

    def __enter__(self) -> Situation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _settle(self) -> None:
        """Wait until the agent has heard of every acknowledgement, and what ran tasks that ended is gone."""
        [known] = ask(self.talk.master, "GET_AGENTS")["get_agents"]["agents"]
        agent, path = known["pid"].partition("@")[2], "/slave(1)/api/v1"

        def is_settled() -> bool:
            containers = ask(agent, "GET_CONTAINERS", path)["get_containers"]["containers"]
            unacknowledged = ask(agent, "GET_TASKS", path)["get_tasks"].get("terminated_tasks")
            return len(containers) == RUNNING and not unacknowledged

        wait_until(is_settled, lambda: "what has ended is still there")

    def _tasks(self) -> list[dict[str, Any]]:
        command = {"value": "echo running; exec sleep 1000", "environment": ENVIRONMENT, "user": None}
        running = task("running", command, labels=LABELS, discovery=DISCOVERY, kill_policy=KILL_POLICY)
        running["resources"].append(VOLUME)
        return [
            task("done", "echo done", labels=LABELS),
            task("failed", "exit 3"),
            running,
            scripted("of-executor", "TASK_RUNNING", executor=executor(source="s")),
            scripted("of-executor-done", executor=executor(source="s")),
        ]

    def _operation(self, kind: str, field: str, *resources: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, kind.lower(): {field: list(resources)}}
