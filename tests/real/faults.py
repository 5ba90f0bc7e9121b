"""What goes wrong in a cluster, on purpose: the same for a real one and for the embedded one.

Invariants
* A method returns when the fault has happened, and who has to know of it does: the next call finds it so.
"""

from __future__ import annotations

import abc
import signal

from mesos import LocalCluster

from .cluster import RealCluster, wait_until

#: A real master asks every second, which is the least that it takes, and gives an agent up after three
#: without an answer: one that is only slow has time for it.
IMPATIENT = {"agent_ping_timeout": "1secs", "max_agent_ping_timeouts": "3"}


class Faults(abc.ABC):
    """The faults of a cluster with one agent."""

    master: str

    @abc.abstractmethod
    def stop_agent(self) -> None: ...

    @abc.abstractmethod
    def start_agent(self) -> None: ...

    @abc.abstractmethod
    def lose_agent(self) -> None: ...

    @abc.abstractmethod
    def find_agent(self) -> None: ...

    @abc.abstractmethod
    def mark_agent_gone(self) -> None: ...

    @abc.abstractmethod
    def fail_over(self) -> None: ...


class LocalFaults(Faults):
    """The embedded cluster has them itself."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.master = cluster.master
        self.cluster = cluster
        [self.agent] = cluster.agents

    def stop_agent(self) -> None:
        self.agent.stop()

    def start_agent(self) -> None:
        self.agent.start()

    def lose_agent(self) -> None:
        self.agent.lose()

    def find_agent(self) -> None:
        self.agent.find()

    def mark_agent_gone(self) -> None:
        self.agent.mark_gone()

    def fail_over(self) -> None:
        self.cluster.fail_over()


class RealFaults(Faults):
    """Of a real one processes are killed, stopped and started again; to lose its agent it is IMPATIENT."""

    def __init__(self, cluster: RealCluster) -> None:
        self.master = cluster.master
        self.cluster = cluster
        [self.agent] = cluster.agents

    def stop_agent(self) -> None:
        self.agent.kill9()
        wait_until(lambda: not self.known(active=True), lambda: "the master does not notice")

    def start_agent(self) -> None:
        self.agent.start()
        self.cluster.wait_for_agent(self.agent)

    def lose_agent(self) -> None:
        self.agent.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: not self.known(), lambda: "the master does not give the agent up")

    def find_agent(self) -> None:
        self.agent.process.send_signal(signal.SIGCONT)
        self.cluster.wait_for_agent(self.agent)

    def mark_agent_gone(self) -> None:
        [known] = self.known()
        self.cluster.master_daemon.call("MARK_AGENT_GONE", agent_id=known["agent_info"]["id"])

    def fail_over(self) -> None:
        master = self.cluster.master_daemon
        master.kill9()
        master.start()
        self.cluster.wait_for_agent(self.agent)

    def known(self, **properties: bool) -> list[dict[str, object]]:
        """Return what the master says of agents that are like this."""
        agents = self.cluster.master_daemon.call("GET_AGENTS").get("agents", [])
        return [one for one in agents if all(one[name] == value for name, value in properties.items())]
