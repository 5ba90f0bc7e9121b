"""`python -m mesos local`: the embedded cluster in the foreground, for any client, in any language."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_PORT = 5050  # where clients expect a master


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mesos", description="Apache Mesos for Python.")
    commands = parser.add_subparsers(dest="command", required=True)
    local = commands.add_parser(
        "local",
        help="run a cluster on this machine",
        description="A Mesos cluster until Ctrl-C.",
    )
    local.add_argument("--agents", type=int, default=1, help="how many (default: 1)")
    local.add_argument(
        "--port", type=int, default=_PORT, help=f"of the master; 0 takes a free one (default: {_PORT})"
    )
    local.add_argument(
        "--resources", help="of each agent: 'cpus:4;mem:4096;disk:8192;ports:[31000-32000]' (the default)"
    )
    local.add_argument("--work-dir", help="where sandboxes are made, and kept (default: temporary)")
    local.add_argument(
        "--attributes",
        action="append",
        default=[],
        metavar="TEXT",
        help="what agents say of themselves: 'rack:a;level:10'; once for all of them, or again for each",
    )
    local.add_argument(
        "--offer-timeout",
        type=float,
        metavar="SECONDS",
        help="after which an offer that is not answered is taken back (default: never)",
    )
    local.add_argument(
        "--authenticate-executors",
        action="store_true",
        help="executors have to show the token that their agent gives them",
    )
    local.add_argument(
        "--domain-sockets",
        action="store_true",
        help="agents also listen for executors at Unix domain sockets in the work directory",
    )
    return _local(parser.parse_args(arguments), local)


def _local(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from mesos.errors import ConfigurationError  # noqa: PLC0415 - not to be waited for by --help
    from mesos.local import LocalCluster  # noqa: PLC0415

    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a handler of signals is given
        ended.set()

    signal.signal(signal.SIGTERM, end)
    settings = {} if options.resources is None else {"resources": options.resources}
    try:
        cluster = LocalCluster(
            options.agents,
            port=options.port,
            work_dir=options.work_dir,
            attributes=options.attributes[0] if len(options.attributes) == 1 else options.attributes,
            offer_timeout=options.offer_timeout,
            authenticate_executors=options.authenticate_executors,
            domain_sockets=options.domain_sockets,
            **settings,
        )
    except (ConfigurationError, OSError) as error:
        parser.error(str(error))
    with cluster, contextlib.suppress(KeyboardInterrupt):
        print(f"master {cluster.master}")
        for agent in cluster.agents:
            print(f"agent {agent.address} {agent.id}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
