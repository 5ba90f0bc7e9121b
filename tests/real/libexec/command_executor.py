"""Stand-in for mesos-executor, the command executor: runs one task's shell command or program.

TASK_STARTING, TASK_RUNNING, then the state in which the command ended; it exits when that is acknowledged. A
kill is SIGTERM to the command's process group, and SIGKILL after the grace period. The task is checked, and
ended when it takes too long, as its TaskInfo says. Its own lines go to the
sandbox's stderr, so that stdout is the command's alone.
"""

import os
import signal
import subprocess
import sys
import threading

from agent_api import Agent
from checks import Checks, nothing_yet

GRACE_PERIOD = 3.0  # seconds from SIGTERM to SIGKILL, when no kill policy says otherwise
ACKNOWLEDGEMENT_TIMEOUT = 10.0  # seconds to wait for the acknowledgement of the last update


class CommandExecutor:
    """One command: started by LAUNCH, ended by itself, KILL, SHUTDOWN or the loss of the agent."""

    def __init__(self, agent):
        self.agent = agent
        self.task_id = None
        self.process = None
        self.grace_period = GRACE_PERIOD
        self.killed = False
        self.leaving = False  # the agent has asked to: nobody will acknowledge
        self.says_killing = False
        self.last_update = None
        self.checks = None
        self.late = False  # killed for its max_completion_time
        self.unhealthy = False  # killed for its health
        self.unchecked = {}  # what every status says of a check

    def run(self):
        """Handle events until the agent is gone; other ends leave by os._exit()."""
        for event in self.agent.events():
            print(f"Received {event['type']} event", file=sys.stderr)
            handler = getattr(self, "on_" + event["type"].lower(), None)
            if handler is not None:
                handler(event.get(event["type"].lower(), {}))
        self.kill_now()
        os._exit(1)

    def on_subscribed(self, subscribed):
        capabilities = subscribed["framework_info"].get("capabilities", [])
        self.says_killing = {"type": "TASK_KILLING_STATE"} in capabilities

    def on_launch(self, launch):
        task = launch["task"]
        command = task["command"]
        self.task_id = task["task_id"]["value"]
        self.grace_period = grace_period(task.get("kill_policy"), GRACE_PERIOD)
        self.unchecked = nothing_yet(task)
        self.agent.update(self.task_id, "TASK_STARTING", **self.unchecked)
        try:
            self.process = start(command)
        except OSError as error:
            self.end("TASK_FAILED", f"Failed to launch: {error}")
            return
        print(f"Forked command at {self.process.pid}", file=sys.stderr)
        self.agent.update(self.task_id, "TASK_RUNNING", **self.unchecked)
        self.checks = Checks(task, self.on_check)
        self.checks.start()
        if limit := int(task.get("max_completion_time", {}).get("nanoseconds", 0)):
            timer = threading.Timer(limit / 1e9, self.on_late)
            timer.daemon = True
            timer.start()
        threading.Thread(target=self.wait, daemon=True).start()

    def on_check(self, reason, fields, kill):
        self.agent.update(self.task_id, "TASK_RUNNING", reason=reason, **fields)
        if kill:
            self.unhealthy = True
            self.kill(self.grace_period)

    def on_late(self):
        if not self.killed:
            self.late = True
            self.kill(0)

    def on_kill(self, kill):
        self.kill(grace_period(kill.get("kill_policy"), self.grace_period))

    def on_shutdown(self, _):
        if self.process is None or self.process.poll() is not None:
            os._exit(0)
        self.leaving = True
        self.kill(self.grace_period)

    def on_acknowledged(self, acknowledged):
        if acknowledged["uuid"] == self.last_update:
            os._exit(0)

    def wait(self):
        """Report the end of the command."""
        status = self.process.wait()
        if status < 0:
            message = f"Command terminated with signal {signal.strsignal(-status)}"
        else:
            message = f"Command exited with status {status}"
        self.checks.stop()
        state = "TASK_KILLED" if self.killed else "TASK_FINISHED" if status == 0 else "TASK_FAILED"
        if self.late:
            self.end("TASK_FAILED", message, reason="REASON_MAX_COMPLETION_TIME_REACHED")
        elif self.unhealthy:
            self.end(state, message, healthy=False)
        else:
            self.end(state, message)

    def end(self, state, message, **fields):
        # The acknowledgement may come before update() has returned the uuid: then the timer ends the process.
        threading.Timer(ACKNOWLEDGEMENT_TIMEOUT, os._exit, (0,)).start()
        self.last_update = self.agent.update(self.task_id, state, message=message, **self.unchecked, **fields)
        if self.leaving or self.last_update not in self.agent.unacknowledged:
            os._exit(0)

    def kill(self, grace):
        if self.killed or self.process is None or self.process.poll() is not None:
            return
        self.killed = True
        self.checks.stop()
        if self.says_killing and not self.late:
            self.agent.update(self.task_id, "TASK_KILLING", **self.unchecked)
        os.killpg(self.process.pid, signal.SIGTERM)
        threading.Timer(grace, self.kill_now).start()

    def kill_now(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def start(command):
    """Start a CommandInfo as the leader of a session of its own."""
    variables = command.get("environment", {}).get("variables", [])
    environment = {**os.environ, **{variable["name"]: variable.get("value", "") for variable in variables}}
    if command.get("shell", True):
        program, arguments = "/bin/sh", ["sh", "-c", command["value"]]
    else:
        program, arguments = command["value"], command.get("arguments") or [command["value"]]
    return subprocess.Popen(arguments, executable=program, env=environment, start_new_session=True)


def grace_period(policy, default):
    """Read the seconds out of a KillPolicy, if there is one."""
    period = (policy or {}).get("grace_period")
    return int(period["nanoseconds"]) / 1e9 if period else default


if __name__ == "__main__":
    CommandExecutor(Agent()).run()
