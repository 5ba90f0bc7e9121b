"""What looks at a task for the stand-ins of Mesos' executors: checks and health checks, as theirs make them.

Invariants
* The first look is when the delay is over, the next an interval after each answer. A look that takes too
  long, or cannot be made, has found nothing.
* A check tells when it finds something else than before; a health check at the first success, at the first
  success after failures, and at every failure that counts.
"""

import http.client
import os
import signal
import socket
import subprocess
import threading
import time

HOST = "127.0.0.1"
HEALTHY = {"command": 0, "http": range(200, 400), "tcp": True}
RESULTS = {"command": "exit_code", "http": "status_code", "tcp": "succeeded"}


def nothing_yet(task):
    """Return what a status says of a task's check as long as nothing was found: {} without a check."""
    kind = task.get("check", {}).get("type", "")
    return {"check_status": {"type": kind, kind.lower(): {}}} if kind else {}


class Checks:
    """The looks at one task. `report(reason, fields, kill)` is called from threads of their own."""

    def __init__(self, task, report, environment=os.environ):
        self.report = report
        self.environment = environment
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.known = nothing_yet(task)
        self.task = task

    def start(self):
        """Begin to look; what is found may be reported at once."""
        for name in ("check", "health_check"):
            if name in self.task:
                threading.Thread(target=self.watch, args=(name, self.task[name]), daemon=True).start()

    def stop(self):
        self.over.set()

    def watch(self, name, info):
        kind = info.get("type", "COMMAND" if "command" in info else "HTTP").lower()
        started, succeeded, failures, last = time.monotonic(), False, 0, None
        pause = info.get("delay_seconds", 15)
        while not self.over.wait(pause):
            pause = info.get("interval_seconds", 10)
            found = look(kind, info[kind], info.get("timeout_seconds", 20) or None, self.environment)
            if name == "check":
                if found != last:
                    result = {} if found is None else {RESULTS[kind]: found}
                    self.tell("TASK_CHECK_STATUS_UPDATED", check_status={"type": info["type"], kind: result})
                last = found
                continue
            good = HEALTHY[kind]
            if found is not None and (found in good if kind == "http" else found == good):
                if not succeeded or failures:
                    self.tell("TASK_HEALTH_CHECK_STATUS_UPDATED", healthy=True)
                succeeded, failures = True, 0
            elif succeeded or time.monotonic() - started > info.get("grace_period_seconds", 10):
                failures += 1
                kill = failures >= info.get("consecutive_failures", 3)
                self.tell("TASK_HEALTH_CHECK_STATUS_UPDATED", kill=kill, healthy=False)

    def tell(self, reason, kill=False, **news):
        """What is known of the one is repeated with news of the other."""
        with self.lock:
            if not self.over.is_set():
                self.known |= news
                self.report(f"REASON_{reason}", dict(self.known), kill)


def look(kind, info, timeout, environment):
    """Return an exit status, a status code, or whether there was a connection; None if there is no answer."""
    try:
        if kind == "command":
            return run(info.get("command", info), timeout, environment)
        if kind == "http":
            connection = http.client.HTTPConnection(HOST, info["port"], timeout=timeout)
            connection.request("GET", info.get("path", "/"))
            return connection.getresponse().status
        socket.create_connection((HOST, info["port"]), timeout).close()
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired):
        return False if kind == "tcp" else None
    return True


def run(command, timeout, environment):
    variables = command.get("environment", {}).get("variables", [])
    environment = {**environment, **{one["name"]: one.get("value", "") for one in variables}}
    if command.get("shell", True):
        program, arguments = "/bin/sh", ["sh", "-c", command["value"]]
    else:
        program, arguments = command["value"], command.get("arguments") or [command["value"]]
    process = subprocess.Popen(
        arguments, executable=program, env=environment, start_new_session=True, stdout=2, stderr=2
    )
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    return status if status >= 0 else None
