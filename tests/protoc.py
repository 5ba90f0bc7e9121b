"""Compiles proto/ with protoc: a second, independent witness of what the schema says.

The library itself is built with protox, so that a build needs no protoc; tests take Google's, from the
grpcio-tools package.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

PROTO = Path(__file__).resolve().parent.parent / "proto"


def schema_files() -> list[str]:
    """List all .proto files, as imports spell them."""
    return sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))


@functools.cache
def compile_schema() -> FileDescriptorSet:
    """Compile the schema, comments included. The result is shared: copy it to change it."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "schema.fds")
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", "--include_source_info"]
        subprocess.run([*protoc, f"--descriptor_set_out={out}", *schema_files()], check=True, timeout=60)
        return FileDescriptorSet.FromString(out.read_bytes())
