"""Stand-in for mesos-fetcher: brings the URIs of a command into its sandbox.

The agent runs it before the executor, with a FetcherInfo as JSON in $MESOS_FETCHER_INFO. Exit status 0 means
that everything is there; the agent fails the task otherwise. Standard library only.
"""

import json
import os
import shutil
import sys
import urllib.request

ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip")


def main():
    info = json.loads(os.environ["MESOS_FETCHER_INFO"])
    for item in info.get("items", []):
        fetch(item, info["sandbox_directory"], info.get("cache_directory"))


def fetch(item, sandbox, cache):
    """Carry out one item: BYPASS_CACHE, DOWNLOAD_AND_CACHE or RETRIEVE_FROM_CACHE."""
    uri, action = item["uri"], item.get("action", "BYPASS_CACHE")
    target = os.path.join(sandbox, uri.get("output_file") or os.path.basename(uri["value"]))
    source = target if action == "BYPASS_CACHE" else os.path.join(cache, item["cache_filename"])
    if action != "RETRIEVE_FROM_CACHE":
        download(uri["value"], source)
    if uri.get("extract", True) and source.endswith(ARCHIVES):
        shutil.unpack_archive(source, sandbox)
    elif source != target:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
    if uri.get("executable"):
        os.chmod(target, 0o755)
    print(f"Fetched {uri['value']} to {target}", file=sys.stderr)


def download(value, target):
    """Copy a URL or a path of this machine to the file `target`."""
    if value.startswith("/"):
        value = "file://" + urllib.request.pathname2url(value)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with urllib.request.urlopen(value) as response, open(target, "wb") as file:
        shutil.copyfileobj(response, file)


if __name__ == "__main__":
    main()
