"""Makes both sides of the conformance tests: protobuf's runner, and our extension with its test messages.

No distribution ships the runner, but Debian's source package of protobuf holds it. It is downloaded with apt
from where this machine's packages come from, and compiled against Debian's libprotobuf of the same version.

Invariants:
* Nothing outside `CACHE` and cargo's target directory is written, and nothing needs root.
* The runner is complete when it is in its place, which is named by its version: a second run finds it.
* The extension is made of the sources as they are: cargo knows what is up to date.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from . import schema

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "conformance"
PACKAGES = f"(`make system` installs the packages that this needs; {HERE / 'apt.txt'} lists them.)"

# In the source package: the runner, and the messages it speaks and tests with.
SOURCES = (
    "conformance/conformance_test_main.cc",
    "conformance/conformance_test_runner.cc",
    "conformance/conformance_test.cc",
    "conformance/binary_json_conformance_suite.cc",
    "conformance/text_format_conformance_suite.cc",
    "conformance/third_party/jsoncpp/jsoncpp.cpp",
)
PROTOS = (
    "conformance.proto",
    "google/protobuf/test_messages_proto2.proto",
    "google/protobuf/test_messages_proto3.proto",
)
# Debian's keys: where they are since Debian 13, and where apt looks for those that no entry names.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TRUSTED = Path("/etc/apt/trusted.gpg.d")


class SetupError(RuntimeError):
    """The set-up failed; the text says what to do."""


def unsupported() -> str | None:
    """Why this machine cannot have the runner, or None if it can."""
    try:
        system = platform.freedesktop_os_release()["ID"]
    except OSError:
        system = platform.system()
    return None if system == "debian" else f"the runner comes from Debian's archive, this is {system}"


def runner() -> Path:
    """Build protobuf's runner unless it is there already. Beside it lies `schema.binpb`, its messages."""
    if missing := [tool for tool in ("g++", "protoc") if shutil.which(tool) is None]:
        raise SetupError(f"not installed: {', '.join(missing)}. {PACKAGES}")
    version = run("protoc", "--version").split()[-1]
    home = CACHE / version
    if not home.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{version}.") as scratch:
            source, fresh = Path(scratch, "source"), Path(scratch, "fresh")
            fresh.mkdir()
            download(version, source)
            compile_runner(source, fresh)
            shutil.rmtree(home, ignore_errors=True)
            fresh.rename(home)
    return home / "runner"


def download(version: str, target: Path) -> None:
    """Unpack the source package of protobuf. The machine's own lists of packages stay as they are."""
    target.mkdir()
    keys = "" if any(TRUSTED.glob("debian-archive-*")) else f"[signed-by={KEYRING}] "
    entry = f"deb-src {keys}$(REPO_URI) $(RELEASE) $(COMPONENT)"
    # what apt is set up with, in whatever form, as far as it is Debian's own
    own = ("Created-By: Packages", "Origin: Debian", "Component: main")
    entries = sorted(set(run("apt-get", "indextargets", "--format", entry, *own).splitlines()))
    if not entries:
        raise SetupError("apt knows nothing of Debian's archive: `apt-get update` asks it")
    sources, lists, cache = target / "sources.list", target / "lists", target / "cache"
    sources.write_text("".join(f"{line}\n" for line in entries))
    for directory in (lists, cache / "archives"):
        (directory / "partial").mkdir(parents=True)
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": lists,
        "Dir::Cache": cache,
        "APT::Sandbox::User": "root",  # the user `_apt` could not write here
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    run(*apt, "update")
    run(*apt, "source", "--download-only", "protobuf", cwd=target)
    tarball = next(target.glob(f"protobuf_{version}.orig.tar.*"), None)
    if tarball is None:
        found = ", ".join(path.name for path in target.glob("*.orig.tar.*"))
        raise SetupError(f"protoc is {version}, but the archive has {found}: upgrade what apt.txt lists")
    run("tar", "-xf", tarball, cwd=target)
    (target / f"protobuf-{version}").rename(target / "protobuf")


def compile_runner(source: Path, target: Path) -> None:
    """Compile the runner, without optimisation: it runs for less than a second."""
    protobuf, generated, objects = source / "protobuf", source / "generated", source / "objects"
    generated.mkdir()
    objects.mkdir()
    includes = [f"-I{protobuf / 'conformance'}", f"-I{protobuf / 'src'}"]
    descriptors = f"--descriptor_set_out={target / 'schema.binpb'}"
    run("protoc", *includes, f"--cpp_out={generated}", descriptors, *PROTOS)
    flags = ("-O0", "-std=c++17", "-w", f"-I{generated}", *includes)

    def compile_one(path: Path) -> Path:
        made = objects / f"{path.stem}.o"
        run("g++", *flags, "-c", path, "-o", made)
        return made

    paths = [protobuf / name for name in SOURCES] + sorted(generated.rglob("*.cc"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(compile_one, paths))
    run("g++", *made, "-o", target / "runner", "-lprotobuf", "-pthread")


def extension(runner: Path) -> Path:
    """Build the package `mesos` with the test messages in its tables; return the directory that holds it.

    It is the crate as it is, in the profile and with the dependencies of `maturin develop`.
    """
    descriptors = FileDescriptorSet.FromString(runner.with_name("schema.binpb").read_bytes())
    schema.reduce(descriptors)
    extra, encoded = CACHE / "extra.binpb", descriptors.SerializeToString(deterministic=True)
    if not extra.exists() or extra.read_bytes() != encoded:
        extra.write_bytes(encoded)  # only then: cargo goes by the time
    package = CACHE / f"python{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        options = ("--features", "extra-schema", "--interpreter", sys.executable, "--out", scratch)
        maturin = Path(sys.executable).with_name("maturin")
        run(maturin, "build", *options, cwd=ROOT, MESOS_EXTRA_SCHEMA=str(extra))
        [wheel] = Path(scratch).glob("*.whl")
        fresh = Path(scratch, "package")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(fresh)
        shutil.rmtree(package, ignore_errors=True)
        fresh.rename(package)
    return package


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Return a command's output; if it fails, what it complained of is in the SetupError."""
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        line = " ".join(map(str, command))
        raise SetupError(f"exit status {done.returncode}: {line}\n{done.stderr.strip()}\n{PACKAGES}")
    return done.stdout
