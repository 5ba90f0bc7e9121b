"""A web service that runs commands on a Mesos cluster: asyncio, and nothing but the standard library.

    python examples/web_service.py [--master MASTER] [--port PORT]
    curl -d '{"command": "sleep 1; exit 3", "resources": {"cpus": 0.1, "mem": 32}}' localhost:8080/run

The answer comes when the task has ended: {"task_id": …, "state": "TASK_FAILED", "message": …}. As long as
nothing waits the service wants no offers; a request revives them. A client that hangs up ends its task.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass

import mesos

HOST = "127.0.0.1"
LONGEST_BODY = 1 << 20
#: What is left of an offer is not wanted until `revive_offers`.
NOT_NEEDED = mesos.Filters(refuse_seconds=3600)


@dataclass
class Job:
    """A command, what it needs, and who waits for its last status."""

    command: str
    resources: mesos.Resources
    ended: asyncio.Future[mesos.TaskStatus]

    def task(self, task_id: str) -> mesos.TaskInfo:
        return mesos.TaskInfo(
            task_id=task_id, name=task_id, command={"value": self.command}, resources=self.resources
        )


class Runner(mesos.Scheduler):
    """Runs each job on the first offer that has room for it."""

    def __init__(self) -> None:
        self.waiting: dict[str, Job] = {}  # by task id, oldest first
        self.launched: dict[str, Job] = {}

    async def run(
        self, driver: mesos.SchedulerDriver, command: str, resources: mesos.Resources
    ) -> mesos.TaskStatus:
        """Runs a command as a task and returns its last status. Cancelled, it ends the task."""
        task_id = str(uuid.uuid4())
        job = Job(command, resources, asyncio.get_running_loop().create_future())
        self.waiting[task_id] = job
        driver.revive_offers()
        try:
            return await job.ended
        except asyncio.CancelledError:
            if self.waiting.pop(task_id, None) is None:
                driver.kill_task(task_id)
            raise

    def resource_offers(self, driver: mesos.SchedulerDriver, offers: list[mesos.Offer]) -> None:
        for offer in offers:
            left = mesos.Resources(offer.resources)
            tasks: list[mesos.TaskInfo] = []
            for task_id, job in list(self.waiting.items()):
                if job.resources in left:
                    left -= job.resources
                    self.launched[task_id] = self.waiting.pop(task_id)
                    tasks.append(job.task(task_id))
            # while something waits, what is left is welcome again soon: more may have become free beside it
            driver.launch_tasks(offer, tasks, None if self.waiting else NOT_NEEDED)
        if not self.waiting:
            driver.suppress_offers()

    def status_update(self, driver: mesos.SchedulerDriver, status: mesos.TaskStatus) -> None:
        if status.state.is_terminal:
            job = self.launched.pop(status.task_id.value, None)
            if job is not None and not job.ended.done():
                job.ended.set_result(status)


class RequestError(Exception):
    """What a client sent is wrong; the text says how."""


def parse(body: bytes) -> tuple[str, mesos.Resources]:
    """Reads what is to be run, and what it needs."""
    try:
        wanted = json.loads(body)
        command, needs = wanted["command"], wanted.get("resources", {"cpus": 0.1, "mem": 32})
        resources = mesos.Resources(**needs)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        example = '{"command": "true", "resources": {"cpus": 0.1, "mem": 32}}'
        raise RequestError(f"{type(error).__name__}: {error}; expected is JSON such as {example}") from None
    if not isinstance(command, str) or not command:
        raise RequestError("the command must be text, and not empty")
    return command, resources


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Reads method, path and body of an HTTP request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    lines = (line.partition(":") for line in head[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    length = int(headers.get("content-length", "0"))
    if length > LONGEST_BODY:
        raise RequestError(f"more than {LONGEST_BODY} bytes")
    return method, path, await reader.readexactly(length)


class Service:
    """Answers HTTP requests, one for each connection."""

    def __init__(self, runner: Runner, driver: mesos.SchedulerDriver) -> None:
        self.runner = runner
        self.driver = driver

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # the client is gone
            try:
                status, answer = await self.answer(reader)
            except (RequestError, ValueError, asyncio.LimitOverrunError) as error:
                status, answer = "400 Bad Request", {"error": str(error)}
            body = json.dumps(answer).encode() + b"\n"
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
        writer.close()

    async def answer(self, reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
        method, path, body = await read_request(reader)
        if path != "/run":
            return "404 Not Found", {"error": "there is only /run"}
        if method != "POST":
            return "405 Method Not Allowed", {"error": "POST what is to be run"}
        command, resources = parse(body)
        run = asyncio.ensure_future(self.runner.run(self.driver, command, resources))
        hung_up = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({run, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if not run.done():
                raise ConnectionResetError
            ended = run.result()
        finally:
            run.cancel()
            hung_up.cancel()
        return "200 OK", {
            "task_id": ended.task_id.value,
            "state": ended.state.name,
            "message": ended.message,
        }


async def main(master: str, port: int) -> None:
    """Serves until the driver ends or Ctrl-C."""
    runner = Runner()
    framework = mesos.FrameworkInfo(name="web service", failover_timeout=60.0)
    driver = mesos.SchedulerDriver(runner, framework, master, suppressed_roles=["*"], reconcile="auto")
    async with driver:
        service = Service(runner, driver)
        server = await asyncio.start_server(service.serve, HOST, port)
        address = server.sockets[0].getsockname()
        print(f"http://{address[0]}:{address[1]}/run", flush=True)
        async with server:
            await driver.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Runs commands on a Mesos cluster, over HTTP.")
    parser.add_argument("--master", default="local", help="host:port, zk://… or local (default)")
    parser.add_argument("--port", type=int, default=8080, help="0 is any (default: 8080)")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(arguments.master, arguments.port))
