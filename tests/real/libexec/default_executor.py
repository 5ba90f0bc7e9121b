"""Stand-in for mesos-default-executor: runs task groups, each task a nested container that the agent makes.

When a task of a group fails or is killed, the others are killed too: SIGTERM, and SIGKILL after the grace
period. Tasks are checked, and ended when they take too long, as their TaskInfos say. It exits once every task
has ended and every update is acknowledged.
"""

import os
import signal
import sys
import threading
import uuid

from agent_api import Agent, CallError
from checks import Checks, nothing_yet
from command_executor import grace_period

GRACE_PERIOD = 3.0  # seconds from SIGTERM to SIGKILL, but for a KILL that says otherwise
END_TIMEOUT = 10.0  # seconds that tasks get to end once a shutdown is asked for


class DefaultExecutor:
    """The nested containers of one executor, each watched by a thread of its own."""

    def __init__(self, agent):
        self.agent = agent
        self.parent = None
        self.lock = threading.Lock()
        self.containers = {}  # task id -> ContainerID of a task that has not ended
        self.tasks = {}
        self.checks = {}
        self.killed = set()
        self.late = set()  # killed for their max_completion_time
        self.unhealthy = False  # a task was killed for its health: it is said of all that end from then on
        self.launched = False
        self.says_killing = False
        self.leaving = False  # the agent has asked to: nobody will acknowledge

    def run(self):
        """Handle events until the agent is gone; other ends leave by os._exit()."""
        for event in self.agent.events():
            print(f"Received {event['type']} event", file=sys.stderr)
            handler = getattr(self, "on_" + event["type"].lower(), None)
            if handler is not None:
                handler(event.get(event["type"].lower(), {}))
        os._exit(1)  # the agent kills nested containers with their parent

    def on_subscribed(self, subscribed):
        self.parent = subscribed["container_id"]
        capabilities = subscribed["framework_info"].get("capabilities", [])
        self.says_killing = {"type": "TASK_KILLING_STATE"} in capabilities

    def on_launch_group(self, launch_group):
        group = {task["task_id"]["value"]: task for task in launch_group["task_group"]["tasks"]}
        with self.lock:
            self.launched = True
            self.tasks |= group
            for name in group:
                self.containers[name] = {"value": str(uuid.uuid4()), "parent": self.parent}
        for name in group:
            threading.Thread(target=self.run_task, args=(name, group), daemon=True).start()

    def on_kill(self, kill):
        name = kill["task_id"]["value"]
        own = grace_period(self.tasks.get(name, {}).get("kill_policy"), GRACE_PERIOD)
        self.kill_in_background([name], grace_period(kill.get("kill_policy"), own))

    def on_shutdown(self, _):
        self.leaving = True
        threading.Timer(END_TIMEOUT, os._exit, (0,)).start()
        self.kill_in_background(list(self.containers))

    def on_acknowledged(self, _):
        if self.launched and not self.containers and (self.leaving or not self.agent.unacknowledged):
            os._exit(0)

    def run_task(self, name, group):
        """Launch the container of one task of a group and wait for its end."""
        task, container = group[name], self.containers[name]
        where = {"container_status": {"container_id": container}, **nothing_yet(task)}
        self.agent.update(name, "TASK_STARTING", **where)
        try:
            launch = {key: task[key] for key in ("command", "container") if key in task}
            self.agent.call(
                {"type": "LAUNCH_CONTAINER", "launch_container": {"container_id": container, **launch}}
            )
            self.agent.update(name, "TASK_RUNNING", **where)
            if name in self.killed:  # before there was a container to kill
                self.kill(container, signal.SIGKILL)
            self.watch(name, task, container)
            answer = self.agent.call(
                {"type": "WAIT_CONTAINER", "wait_container": {"container_id": container}}
            )
            status = answer["wait_container"].get("exit_status")
            message = f"Command {how_it_ended(status)}"
        except (OSError, CallError) as error:
            status, message = None, str(error)
        state = "TASK_KILLED" if name in self.killed else "TASK_FINISHED" if status == 0 else "TASK_FAILED"
        if name in self.checks:
            self.checks[name].stop()
        if name in self.late:
            state, where["reason"] = "TASK_FAILED", "REASON_MAX_COMPLETION_TIME_REACHED"
        if self.unhealthy:
            where["healthy"] = False
        if state != "TASK_FINISHED":
            self.kill_in_background([other for other in group if other != name])
        self.agent.update(name, state, message=message, **where)
        with self.lock:
            del self.containers[name]
        self.on_acknowledged(None)  # it may have come in between

    def watch(self, name, task, container):
        """Have a task that runs looked at, and its time measured."""

        def on_check(reason, fields, kill):
            where = {"container_status": {"container_id": container}}
            self.agent.update(name, "TASK_RUNNING", reason=reason, **where, **fields)
            if kill:
                self.unhealthy = True
                self.kill_in_background([name], grace_period(task.get("kill_policy"), GRACE_PERIOD))

        def on_late():
            if name not in self.killed:
                self.late.add(name)
                self.kill_in_background([name], 0)

        variables = task["command"].get("environment", {}).get("variables", [])
        environment = {**os.environ, **{one["name"]: one.get("value", "") for one in variables}}
        self.checks[name] = Checks(task, on_check, environment)
        self.checks[name].start()
        if limit := int(task.get("max_completion_time", {}).get("nanoseconds", 0)):
            after(limit / 1e9, on_late)

    def kill_in_background(self, names, grace=GRACE_PERIOD):
        """Kill the containers of those tasks that still run, without keeping events waiting."""
        for name in names:
            container = self.containers.get(name)
            if container is None or name in self.killed:
                continue
            self.killed.add(name)
            if name in self.checks:
                self.checks[name].stop()
            if self.says_killing and name not in self.late:
                where = {"container_status": {"container_id": container}, **nothing_yet(self.tasks[name])}
                self.agent.update(name, "TASK_KILLING", **where)
            after(0, self.kill, container, signal.SIGTERM)
            after(grace, self.kill, container, signal.SIGKILL)

    def kill(self, container, number):
        try:
            kill = {"container_id": container, "signal": number}
            self.agent.call({"type": "KILL_CONTAINER", "kill_container": kill})
        except (OSError, CallError) as error:
            print(f"Could not kill {container['value']}: {error}", file=sys.stderr)


def after(seconds, what, *arguments):
    """Call something on another thread, which does not keep the process from ending."""
    timer = threading.Timer(seconds, what, arguments)
    timer.daemon = True
    timer.start()


def how_it_ended(status):
    if status is None:
        return "ended in an unknown way"
    code = os.waitstatus_to_exitcode(status)
    return f"exited with status {code}" if code >= 0 else f"terminated with signal {signal.strsignal(-code)}"


if __name__ == "__main__":
    DefaultExecutor(Agent()).run()
