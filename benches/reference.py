"""google.protobuf's classes for this project's own `proto/`, compiled on the fly with grpcio-tools."""

from __future__ import annotations

import functools
import importlib.resources
import pathlib
from types import SimpleNamespace

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[1] / "proto"


@functools.cache
def modules() -> tuple[SimpleNamespace, SimpleNamespace]:
    """The messages of mesos.v1 and of mesos.v1.scheduler by name: what generated modules would hold."""
    out = pathlib.Path(__file__).parents[1] / ".cache" / "bench.fds"
    out.parent.mkdir(exist_ok=True)
    files = [path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto")]
    known = importlib.resources.files("grpc_tools") / "_proto"
    if protoc.main(["protoc", f"-I{PROTO}", f"-I{known}", f"--descriptor_set_out={out}", *files]) != 0:
        raise SystemExit("protoc refused proto/")
    pool = descriptor_pool.DescriptorPool()
    duration = descriptor_pb2.FileDescriptorProto()
    duration_pb2.DESCRIPTOR.CopyToProto(duration)
    pool.Add(duration)
    waiting = list(descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file)
    added = {duration.name}
    while waiting:
        file = next(file for file in waiting if added.issuperset(file.dependency))
        waiting.remove(file)
        pool.Add(file)
        added.add(file.name)
    found = []
    for package in ("mesos/v1/mesos.proto", "mesos/v1/scheduler/scheduler.proto"):
        messages = pool.FindFileByName(package).message_types_by_name
        classes = {name: message_factory.GetMessageClass(message) for name, message in messages.items()}
        found.append(SimpleNamespace(**classes))
    return found[0], found[1]
