"""One scheduler over every release of libmesos, on a real master and agent of 1.11.0.

$MESOS_RELEASES names those to try, or "all"; `make test` tries the oldest and the newest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import release_client, releases, setup
from .cluster import RealCluster
from .schedulers import TIMEOUT, scripted_executor
from .setup import RealMesos

CHOSEN = os.environ.get("MESOS_RELEASES") or f"1.4.3 {setup.VERSION}"


@pytest.mark.timeout(120)  # a library may have to be downloaded
@pytest.mark.parametrize("version", list(releases.SHA256) if CHOSEN == "all" else CHOSEN.split())
def test_everything_that_a_scheduler_does(
    real_mesos: RealMesos, real_cluster: RealCluster, version: str
) -> None:
    installed = releases.install(version)
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(installed.stubs),
        "MESOS_NATIVE_LIBRARY": str(installed.library),
        "LIBPROCESS_IP": "127.0.0.1",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-X", "faulthandler", "-m", "tests.real.release_client"),
            *(real_cluster.master, scripted_executor(real_mesos)),
        ],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report.pop("acknowledgements") >= 2 * release_client.TASKS
    assert report == {
        "version": version,
        "echo": r"talks b'\x00echo\xff'",
        "seen": {
            "registered": 1,
            "t TASK_FINISHED": release_client.TASKS,
            "killed TASK_KILLED": 1,
            "reconciled talk TASK_RUNNING": 1,
        },
    }
