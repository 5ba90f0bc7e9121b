"""Two clusters in the same situation: how to ask them, and how their answers are compared.

Invariants
* Compared is the structure: the same names at each place, the same types, and what does not depend on time,
  chance or machine (states, names, roles, amounts) itself.
* What the embedded cluster leaves out is in ABSENT, with its reason.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import Any

from .conversation import MARGIN
from .situation import Situation

BUILD = "its binary was built at another time, of other sources"
FIGURES = "the embedded cluster does not measure what processes use"
#: What only Mesos has: a place, or the end of one, and why.
ABSENT = {
    "build_date": BUILD,
    "build_time": BUILD,
    "git_sha": BUILD,
    "git_tag": BUILD,
    "capabilities": "what masters and agents can do for operators, and the embedded ones cannot",
    "statistics/cpus_system_time_secs": FIGURES,
    "statistics/cpus_user_time_secs": FIGURES,
    "statistics/mem_rss_bytes": FIGURES,
}
#: What differs by nature: names of values that are not compared, only their types.
BY_NATURE = {
    *("id", "pid", "port", "leader", "build_user", "framework_id", "framework_ids", "slave_id", "slave_ids"),
    *("container", "container_id", "directory", "executor_pid", "hostname", "master_hostname", "ip_address"),
    *("start_time", "elected_time", "registered_time", "unregistered_time", "timestamp"),
}
FLAGS = "flags"  # those of another program: their form is compared


class Place:
    """Both clusters in the same situation: how to ask them."""

    def __init__(self, master: str, situation: Situation) -> None:
        self.master = master
        self.situation = situation
        situation.be_offered()
        self.agent = self.read("/slaves")["slaves"][0]["pid"].partition("@")[2]

    def get(
        self, path: str, *, agent: bool = False, method: str = "GET", body: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the answer's status, headers and body."""
        where = self.agent if agent else self.master
        with contextlib.closing(http.client.HTTPConnection(where, timeout=MARGIN)) as connection:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def read(self, path: str, *, agent: bool = False) -> Any:
        status, headers, body = self.get(path, agent=agent)
        assert (status, headers["Content-Type"]) == (200, "application/json"), body
        return json.loads(body)


def identity(item: Any) -> str:
    """What the elements of a list are sorted by: their order is a matter of time or chance."""
    if not isinstance(item, dict):
        return str(item)
    for name in ("name", "id", "executor_id", "key", "state"):
        if name in item:
            return json.dumps(
                [
                    item.get("disk") is not None,
                    item[name],
                    item.get("allocation_info"),
                    item.get("reservations"),
                ]
            )
    return ""


class Comparison:
    """Two answers, place by place."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.absent: set[str] = set()

    def compare(self, place: str, real: Any, local: Any) -> None:
        name = place.rpartition("/")[2]
        if type(real) is not type(local):
            self.problems.append(f"{place}: {real!r} is a {type(real).__name__}, {local!r} is not")
        elif name == FLAGS:
            self.problems += [
                f"{place}/{flag}: no text" for flag, value in local.items() if type(value) is not str
            ]
        elif name in BY_NATURE:
            return
        elif name == "frameworks" and all(isinstance(item, str) for item in real):
            self.compare(f"{place}/count", len(real), len(local))
        elif name == "capabilities" and "/frameworks/" not in place:
            self.absent.update({"capabilities"} if set(local) < set(real) else ())
            self.problems += [f"{place}: {one} is only there" for one in set(local) - set(real)]
        elif isinstance(real, dict):
            self._compare_objects(place, real, local)
        elif isinstance(real, list):
            self._compare_lists(place, real, local)
        elif real != local:
            self.problems.append(f"{place}: {real!r} and not {local!r}")

    def _compare_objects(self, place: str, real: dict[str, Any], local: dict[str, Any]) -> None:
        for name in real.keys() - local.keys():
            reasons = [end for end in ABSENT if f"{place}/{name}".endswith("/" + end)]
            self.absent.update(reasons)
            if not reasons:
                self.problems.append(f"{place}/{name} is not there: {real[name]!r}")
        for name in local.keys() - real.keys():
            self.problems.append(f"{place}/{name} is only there: {local[name]!r}")
        for name in real.keys() & local.keys():
            self.compare(f"{place}/{name}", real[name], local[name])

    def _compare_lists(self, place: str, real: list[Any], local: list[Any]) -> None:
        if len(real) != len(local):
            self.problems.append(f"{place}: {len(real)} and not {len(local)}: {real!r} {local!r}")
            return
        for one, other in zip(sorted(real, key=identity), sorted(local, key=identity), strict=True):
            self.compare(f"{place}/*", one, other)
