"""Makes a real Apache Mesos out of the binary that PyPI ships: `python -m tests.real.setup [DIR]`.

PyPI's `mesos.scheduler` has a tarball whose extension module for Python 2.7 holds all of libmesos: master,
agent, containerizer, drivers. This script downloads it (pinned by digest), makes stubs for the libraries that
no distribution ships any more, compiles `mesosd/` against it and lays out the agent's helper programs.

Invariants
* What is installed is complete: it is built in a directory beside its place and renamed into it at the end.
* It is keyed by a hash of everything it is made from, so that a second run does nothing, and a run after a
  change of any source builds it anew (without downloading again). Concurrent runs wait for each other.
* Nothing outside the given directory is written. The system packages that it needs are in apt.txt.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.11.0"
TARBALL = f"mesos.scheduler-{VERSION}.linux-x86_64.tar.gz"
SHA256 = "1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e"
#: OpenSSL 1.0.2, as a wheel of those days brings it along: the last that libmesos can use.
OPENSSL = "psycopg2_binary-2.7.5-cp36-cp36m-manylinux1_x86_64.whl"
OPENSSL_SHA256 = "a6d32c37f714c3f34158f3fa659f3a8f2658d5f53c4297d45579b9677cc4d852"
MEMBER = "./usr/local/lib/python2.7/dist-packages/mesos/scheduler/_scheduler.so"

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "real-mesos"

PACKAGES = f"(The system packages that this needs are listed in {HERE / 'apt.txt'}.)"

# The names by which the agent looks for its helpers: ours are in libexec/, the others are mesosd itself.
STAND_INS = {
    "mesos-executor": "command_executor.py",
    "mesos-default-executor": "default_executor.py",
    "mesos-fetcher": "fetcher.py",
}
MESOSD_HELPERS = ("mesos-containerizer", "mesos-io-switchboard")


class SetupError(RuntimeError):
    """The set-up failed; the text says what to do."""


@dataclass(frozen=True)
class RealMesos:
    """Where the parts of an installed Mesos are."""

    root: Path

    @property
    def mesosd(self) -> Path:
        """The program: `mesosd master` and `mesosd agent`."""
        return self.root / "bin" / "mesosd"

    @property
    def secure_mesosd(self) -> Path:
        """The same with a real OpenSSL, for LIBPROCESS_SSL_ENABLED."""
        return self.root / "secure" / "bin" / "mesosd"

    @property
    def library(self) -> Path:
        """Apache Mesos' libmesos, byte for byte as shipped."""
        return self.root / "lib" / "libmesos.so"

    @property
    def stubs(self) -> Path:
        """Stand-ins for OpenSSL 1.0 and curl, for LD_LIBRARY_PATH of a process that loads `library`."""
        return self.root / "stubs"

    @property
    def libexec(self) -> Path:
        """What the agent runs: its launcher_dir."""
        return self.root / "libexec"


def unsupported() -> str | None:
    """Why this machine cannot run the binary, or None if it can."""
    machine = f"{platform.system()} {platform.machine()}"
    return None if machine == "Linux x86_64" else f"PyPI's Mesos is for Linux x86_64, this is {machine}"


def set_up(cache: Path = CACHE) -> RealMesos:
    """Install Mesos under `cache` unless it is there already. Raises SetupError."""
    if reason := unsupported():
        raise SetupError(reason)
    cache.mkdir(parents=True, exist_ok=True)
    mesos = RealMesos(cache / VERSION)
    stamp, key = mesos.root / "KEY", content_key()
    with locked(cache / "lock"):
        if stamp.exists() and stamp.read_text() == key:
            return mesos
        check_tools()
        tarball = download("mesos.scheduler", cache / TARBALL, SHA256)
        openssl = download("psycopg2-binary", cache / OPENSSL, OPENSSL_SHA256)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{VERSION}.") as scratch:
            fresh = RealMesos(Path(scratch) / VERSION)
            extract_library(tarball, fresh.library)
            make_stubs(fresh)
            compile_mesosd(fresh)
            lay_out_secure(fresh, openssl)
            lay_out_libexec(fresh)
            (fresh.root / "KEY").write_text(key)
            shutil.rmtree(mesos.root, ignore_errors=True)
            fresh.root.rename(mesos.root)
    return mesos


def content_key() -> str:
    """Hash all that the result depends on."""
    digest = hashlib.sha256(f"{SHA256} {OPENSSL_SHA256} {base_python()}".encode())
    patterns = ("setup.py", "mesosd/*.h", "mesosd/*.cc", "libexec/*.py")
    for source in sorted(path for pattern in patterns for path in HERE.glob(pattern)):
        content = source.read_bytes()
        digest.update(f"\n{source.relative_to(HERE)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One set-up at a time: parallel test runs share the cache."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_tools() -> None:
    """Say which programs are missing before half of the work is done."""
    if missing := [tool for tool in ("g++", "gcc", "nm") if shutil.which(tool) is None]:
        raise SetupError(f"not installed: {', '.join(missing)}. {PACKAGES}")


def download(project: str, target: Path, digest: str) -> Path:
    """Fetch a file of a project from PyPI; it is kept, so that later runs need no network."""
    if target.exists() and sha256(target) == digest:
        return target
    try:
        from pypi_simple import (  # noqa: PLC0415 (only a first run needs it)
            PYPI_SIMPLE_ENDPOINT,
            DigestMismatchError,
            NoSuchProjectError,
            PyPISimple,
        )
    except ImportError as error:
        raise SetupError("pypi-simple is missing: pip install --group real installs it") from error
    partial = target.with_suffix(".partial")
    try:
        with PyPISimple(os.environ.get("PIP_INDEX_URL") or PYPI_SIMPLE_ENDPOINT) as index:
            packages = index.get_project_page(project).packages
            package = next(package for package in packages if package.filename == target.name)
            index.download_package(package, partial)
    except StopIteration:
        raise SetupError(f"the package index {index.endpoint} has no {target.name}") from None
    except (OSError, NoSuchProjectError, DigestMismatchError) as error:
        raise SetupError(f"{target.name} cannot be downloaded: {error}") from error
    if (found := sha256(partial)) != digest:
        partial.unlink()
        raise SetupError(f"{target.name} has the SHA-256 digest {found}, expected {digest}: not used")
    partial.rename(target)
    return target


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def extract_library(tarball: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    with tarfile.open(tarball) as archive, target.open("wb") as file:
        member = archive.extractfile(MEMBER)
        if member is None:
            raise SetupError(f"{tarball} holds no {MEMBER}")
        shutil.copyfileobj(member, file)
    target.chmod(0o755)


def make_stubs(mesos: RealMesos) -> None:
    """Make libraries whose functions return 0, so that libmesos can be loaded.

    It was linked to OpenSSL 1.0 and to curl with the symbol versions of its time, and it is an extension
    module of Python 2.7. Mesos calls none of them in what these tests do: no TLS, no curl, no Python.
    """
    undefined = run("nm", "-D", "--undefined-only", "--with-symbol-versions", mesos.library)
    versions: dict[str, list[str]] = {}
    python = []
    for symbol in (line.split()[-1] for line in undefined.splitlines()):
        name, _, version = symbol.partition("@")
        if version.startswith(("OPENSSL_", "CURL_")):
            versions.setdefault(version, []).append(name)
        elif re.match("_?Py", name):
            python.append(name)
    mesos.stubs.mkdir()
    openssl = {version: names for version, names in versions.items() if version.startswith("OPENSSL_")}
    curl = {version: names for version, names in versions.items() if version.startswith("CURL_")}
    make_stub(mesos.stubs / "libssl.so.1.0.0", openssl)
    make_stub(mesos.stubs / "libcrypto.so.1.0.0", openssl)
    make_stub(mesos.stubs / "libcurl.so.4", curl)
    # Not beside the others: a process that is a Python must not find it.
    make_stub(mesos.library.with_name("libpython-stub.so"), {"": python})


def make_stub(target: Path, versions: Mapping[str, list[str]]) -> None:
    """Make a shared library that defines the names of each symbol version."""
    with tempfile.TemporaryDirectory() as scratch:
        source, script = Path(scratch, "stub.c"), Path(scratch, "stub.map")
        names = sorted(name for group in versions.values() for name in group)
        source.write_text("".join(map(definition, names)))
        groups = (f"{version} {{ global: {';'.join(group)}; }};\n" for version, group in versions.items())
        script.write_text("".join(groups))
        options = [] if "" in versions else [f"-Wl,--version-script={script}"]
        run("gcc", "-w", "-shared", "-fPIC", f"-Wl,-soname,{target.name}", *options, "-o", target, source)


def definition(name: str) -> str:
    """C for a symbol: Python's types, exceptions and None are data, all else is a function."""
    is_data = name.startswith(("PyExc_", "_Py_")) or name.endswith("_Type")
    return f"void *{name}[64];\n" if is_data else f"long {name}(void) {{ return 0; }}\n"


def compile_mesosd(mesos: RealMesos) -> None:
    """Links mesosd to libmesos, and runs it once: a library that is not installed shows here."""
    mesos.mesosd.parent.mkdir()
    run(
        *("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"),
        *sorted((HERE / "mesosd").glob("*.cc")),
        *("-o", mesos.mesosd, f"-L{mesos.library.parent}", "-ldl"),
        *("-Wl,--no-as-needed", "-lmesos", "-lpython-stub"),
        "-Wl,--unresolved-symbols=ignore-in-shared-libs",
        # An RPATH, not a RUNPATH, holds for libmesos' own dependencies too.
        *("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../lib:$ORIGIN/../stubs"),
    )
    run(mesos.mesosd, "version")


def lay_out_secure(mesos: RealMesos, wheel: Path) -> None:
    """Put another mesosd where OpenSSL's own libraries, and not the stubs, are beside it.

    Their names have hashes in them, by which they find each other; libmesos finds them by the links.
    """
    stubs = mesos.secure_mesosd.parents[1] / "stubs"
    stubs.mkdir(parents=True)
    mesos.secure_mesosd.parent.mkdir()
    shutil.copy(mesos.mesosd, mesos.secure_mesosd)
    (stubs.parent / "lib").symlink_to(Path("..", "lib"))
    (stubs / "libcurl.so.4").symlink_to(Path("..", "..", "stubs", "libcurl.so.4"))
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if member.startswith("psycopg2/.libs/"):
                (stubs / Path(member).name).write_bytes(archive.read(member))
    for name in ("libssl", "libcrypto"):
        (stubs / f"{name}.so.1.0.0").symlink_to(next(stubs.glob(f"{name}-*")).name)
    run(mesos.secure_mesosd, "version")


def lay_out_libexec(mesos: RealMesos) -> None:
    """Fill the agent's launcher_dir: our stand-ins in Python, and mesosd under two more names."""
    shutil.copytree(HERE / "libexec", mesos.libexec, ignore=shutil.ignore_patterns("__pycache__"))
    for name, script in STAND_INS.items():
        # A wrapper, as the path of the interpreter may be too long for a #! line, or hold spaces.
        program = mesos.libexec / name
        program.write_text(
            f'#!/bin/sh\nexec {shlex.quote(base_python())} -ES "$(dirname "$0")"/{script} "$@"\n'
        )
        program.chmod(0o755)
    for name in MESOSD_HELPERS:
        (mesos.libexec / name).symlink_to(Path("..", "bin", "mesosd"))


def base_python() -> str:
    """Find the interpreter under this virtual environment, which may be gone when Mesos is used again."""
    return os.path.realpath(sys.executable)


def run(*command: str | Path) -> str:
    """Return a command's output; if it fails, what it complained of is in the SetupError."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        line = shlex.join(map(str, command))
        raise SetupError(f"exit status {done.returncode}: {line}\n{done.stderr.strip()}\n{PACKAGES}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Command line: an optional directory in place of the repository's .cache/real-mesos."""
    try:
        mesos = set_up(Path(arguments[0]).resolve() if arguments else CACHE)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(mesos.root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
