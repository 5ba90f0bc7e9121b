"""Files that a command names are in its sandbox before it starts, on the embedded cluster."""

from __future__ import annotations

import functools
import http.server
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Client, task
from mesos.local import LocalCluster


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve tmp_path over HTTP."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_files_come_by_path_and_http_and_are_unpacked(
    cluster: LocalCluster, tmp_path: Path, server: str
) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho it runs\n")
    (tmp_path / "inner").write_text("packed\n")
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "inner", "inner")
    client = Client(cluster)
    uris = [
        {"value": f"{server}/tool", "executable": True},
        {"value": f"{tmp_path}/all.tar.gz"},
        {"value": f"file://{tmp_path}/inner", "output_file": "sub/copy"},
    ]
    client.launch(task("t", {"value": "./tool; cat inner sub/copy", "uris": uris}))
    client.states("TASK_FINISHED")
    assert cluster.stdout("t") == "it runs\npacked\npacked\n"


def test_a_task_fails_without_its_files_and_its_stderr_says_why(cluster: LocalCluster, server: str) -> None:
    client = Client(cluster)
    client.launch(task("t", {"value": "true", "uris": [{"value": f"{server}/nothing"}]}))
    status = client.status()
    assert (status["state"], status["reason"]) == ("TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED")
    assert cluster.stderr("t") == f"Failed to fetch {server}/nothing: the server answers 404 Not Found\n"


def test_what_cannot_be_fetched_is_refused(cluster: LocalCluster) -> None:
    client = Client(cluster)
    client.launch(task("t", {"value": "true", "uris": [{"value": "hdfs://somewhere/file"}]}))
    status = client.status()
    assert status["state"] == "TASK_ERROR"
    assert "hdfs://somewhere/file" in status["message"]
