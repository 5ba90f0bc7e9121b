"""What message classes take before they do anything: memory of parsed offers, time to import all types.

Each side runs in fresh interpreters of its own. Memory is what the resident set grows by for each of many
offers, their own bytes included; google.protobuf's side imports modules as protoc generates them.
"""

from __future__ import annotations

import importlib.resources
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import reference
from grpc_tools import protoc
from timing import show

HERE = Path(__file__).parent
GENERATED = HERE.parent / ".cache" / "bench" / "pb2"

MEMORY = """
import sys
sys.path.insert(0, sys.argv[1])
import gc, reference, samples
import mesos

def resident():
    for line in open("/proc/self/smaps_rollup"):
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024

google, _ = reference.modules()
module = mesos if sys.argv[2] == "mesos" else google
data = samples.offer(google).SerializeToString()
kept = [None] * 10_000
for _ in range(100):
    samples.touch(module.Offer.FromString(data))
gc.collect()
before = resident()
for at in range(len(kept)):
    kept[at] = module.Offer.FromString(bytes(bytearray(data)))
    if sys.argv[3] == "read":
        samples.touch(kept[at])
print((resident() - before) / len(kept))
"""

PACKAGES = [
    "scheduler",
    "executor",
    "master",
    "agent",
    "allocator",
    "maintenance",
    "quota",
    "resource_provider",
]

IMPORT = {
    "mesos": f"import mesos, mesos.v1, {', '.join(f'mesos.v1.{name}' for name in PACKAGES)}\n",
    "made": """
from mesos import _mesos
def make(scope, names):
    for name in names:
        found = getattr(scope, name)
        if isinstance(found, type):
            made.add(found)
            if issubclass(found, mesos.Message):
                make(found, [name for name in vars(found) if name[0].isupper() and not name.isupper()])
made = set()
for module in (mesos.v1, *(getattr(mesos.v1, name) for name in PACKAGES)):
    make(module, [name for name in _mesos.names(module.__name__) if not name.isupper()])
""".replace("PACKAGES", repr(PACKAGES)),
    "google": f"""
import sys
sys.path.insert(0, {str(GENERATED)!r})
from mesos.v1 import mesos_pb2
from mesos.v1.scheduler import scheduler_pb2
from mesos.v1.executor import executor_pb2
from mesos.v1.master import master_pb2
from mesos.v1.agent import agent_pb2
from mesos.v1.allocator import allocator_pb2
from mesos.v1.maintenance import maintenance_pb2
from mesos.v1.quota import quota_pb2
from mesos.v1.resource_provider import resource_provider_pb2
""",
}


def rows() -> Iterator[tuple[str, str, str]]:
    """Each figure, and how it compares with google.protobuf's."""
    for state, wanted in (("untouched", 0.25), ("read", 1.2)):
        ours, theirs = (memory(side, state) for side in ("mesos", "google"))
        yield (
            f"memory of an Offer, {state}",
            f"{ours / 1000:.1f} kB",
            f"{ours / theirs:.2f} × google.protobuf (≤ {wanted})",
        )
    generate()
    bare = interpreter("pass")
    ours, theirs = interpreter(IMPORT["mesos"]) - bare, interpreter(IMPORT["google"]) - bare
    note = f"{theirs / ours:.1f} × the generated modules (≥ 8)"
    yield "import of all types, made on first use", show(ours), note
    ours = interpreter(IMPORT["mesos"] + IMPORT["made"]) - bare
    yield "… and every class and enum made", show(ours), f"{theirs / ours:.1f} × the generated modules"


def memory(side: str, state: str) -> float:
    """Bytes for each of many parsed offers."""
    command = [sys.executable, "-c", MEMORY, str(HERE), side, state]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def generate() -> None:
    """Write the modules that protoc makes of `proto/`."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    files = [path.relative_to(reference.PROTO).as_posix() for path in reference.PROTO.rglob("*.proto")]
    known = importlib.resources.files("grpc_tools") / "_proto"
    paths = [f"-I{reference.PROTO}", f"-I{known}", f"--python_out={GENERATED}"]
    if protoc.main(["protoc", *paths, *files]) != 0:
        raise SystemExit("protoc refused proto/")
    for directory in (GENERATED / "mesos").rglob(""):  # packages, so that they are found before the wheel's
        (directory / "__init__.py").touch()


def interpreter(code: str, rounds: int = 15) -> float:
    """Median processor seconds of a fresh interpreter that runs `code`."""
    timed = f"import time\n{code}\nprint(time.process_time())"
    run = [sys.executable, "-c", timed]
    times = [
        float(subprocess.run(run, check=True, capture_output=True, text=True).stdout) for _ in range(rounds)
    ]
    return statistics.median(times)
