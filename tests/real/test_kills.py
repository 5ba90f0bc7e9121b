"""A scheduler is killed with -9 between an update and its acknowledgement; the next gets it again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .cluster import RealCluster
from .schedulers import TIMEOUT, scripted_executor
from .setup import RealMesos
from .victim import Given

ROOT = Path(__file__).resolve().parents[2]
LINES = 4  # frameworks, each a line of schedulers: one is killed, the next takes over
KILLS = 25  # in each of them


def line_of_schedulers(master: str, executor: str) -> Iterator[list[Given]]:
    """Kill one scheduler after the other; yield what each was given. The last one ends by itself."""
    successor: list[str] = []
    for _ in range(KILLS + 1):
        command = [sys.executable, "-m", "tests.real.victim", master, executor, str(KILLS), *successor]
        given = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            patience = threading.Timer(TIMEOUT, process.kill)  # an update that is lost is waited for in vain
            patience.start()
            for said in process.stdout:
                given.append(Given(**json.loads(said)))
                if given[-1].held:
                    process.kill()
            patience.cancel()
        yield given
        assert given, f"no update after {successor}"
        successor = [given[-1].framework_id, str(given[-1].number)]


@pytest.mark.timeout(180)
def test_no_update_is_lost_however_often_its_scheduler_is_killed(
    real_mesos: RealMesos, real_cluster: RealCluster
) -> None:
    executor = scripted_executor(real_mesos)
    with ThreadPoolExecutor(LINES) as pool:
        lines = pool.map(lambda _: list(line_of_schedulers(real_cluster.master, executor)), range(LINES))
    for line in lines:
        held = [given[-1] for given in line[:-1]]
        assert [update.number for update in held if update.held] == list(range(1, KILLS + 1))
        assert len({update.uuid for update in held}) == KILLS
        assert len({update.framework_id for update in held}) == 1
        for before, given in zip(held, line[1:], strict=True):
            again = [update for update in given if not update.held]
            # the very update, first of all; under load the agent may send it more than once
            assert {(update.number, update.uuid) for update in again} == {(before.number, before.uuid)}
