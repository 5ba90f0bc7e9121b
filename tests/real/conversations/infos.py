"""What conversations launch: tasks, executors, resources, as JSON."""

from __future__ import annotations

import base64
import shlex
from pathlib import Path
from typing import Any

from ..setup import base_python

#: An executor whose tasks report what their data says.
SCRIPTED = shlex.join(
    ["exec", base_python(), "-ES", str(Path(__file__).parents[1] / "libexec" / "scripted_executor.py")]
)


def scalar(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def task(task_id: str, command: str | dict[str, Any] = "true", **more: Any) -> dict[str, Any]:
    return {
        "name": task_id,
        "task_id": {"value": task_id},
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        "command": {"value": command} if isinstance(command, str) else command,
        **more,
    }


def executor(executor_id: str = "e", traits: str = "", **more: Any) -> dict[str, Any]:
    """Return an executor of the kind SCRIPTED."""
    return {
        "executor_id": {"value": executor_id},
        "name": executor_id,
        "command": {"value": SCRIPTED},
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        "data": encoded(traits),
        **more,
    }


def scripted(task_id: str, script: str = "", **more: Any) -> dict[str, Any]:
    """Return a task of such an executor, which reports what the script says."""
    info = {**task(task_id), "executor": executor(), "data": encoded(script), **more}
    del info["command"]
    return info


def waits(path: Path | str) -> str:
    """Return what a shell does until there is a file."""
    return f"until test -e {path}; do sleep 0.02; done"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
