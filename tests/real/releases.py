"""Every release of libmesos that PyPI ships: `install(version)`.

Invariants
* As in setup.py: what is installed is complete, keyed by the digest of what it was made from, and made once.
* The libraries are as shipped. What they link to and no distribution has any more is made beside them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from . import setup
from .setup import CACHE, RealMesos, SetupError

#: Of the tarballs, by release.
SHA256 = {
    "1.4.3": "2f1893a2a0c26ce31208c843c3815ce6821eb83f0808c57287938fe1eccea51c",
    "1.5.3": "777d62491c1d968644b6fb855967fdbb189c7b93c17ae576ec6e2a6bcb7610fc",
    "1.6.2": "6744b50967fbc1cc634b711c1a73ebc709437c5c6783c3db687cfa7363e8a3d7",
    "1.7.3": "14f75c9d6d849d71e8fe476b2e9d6ec2243964ec2a692eb1ffd9c6692051f89b",
    "1.8.1": "3a0bfe4151ab0bfd7f94359743342f39fd9e21f72ab9c53151117f491200e2e0",
    "1.9.0": "6829dc7ee6400b7a6d186e966a25d217638b365f5a9ba0b783222a5858f56dcf",
    "1.10.0": "76f111c32a0cd82fc23aff61a85215d4d9ceebb34654d93264d8e64a27483ff5",
    setup.VERSION: setup.SHA256,
}
#: What the releases before 1.8 call libevent, and Debian's. Debian links a part of it to another OpenSSL:
#: that part's functions are made here, as nothing speaks TLS.
LIBEVENT = {
    "libevent-2.0.so.5": "libevent-2.1.so.7",
    "libevent_pthreads-2.0.so.5": "libevent_pthreads-2.1.so.7",
}
LIBEVENT_OPENSSL = (
    "bufferevent_get_openssl_error",
    "bufferevent_openssl_filter_new",
    "bufferevent_openssl_socket_new",
)


def install(version: str, cache: Path = CACHE) -> RealMesos:
    """Install a release's library and what it takes to load it: `library`, `stubs`. Raises SetupError."""
    if version == setup.VERSION:
        return setup.set_up(cache)
    mesos = RealMesos(cache / version)
    digest, stamp = SHA256[version], mesos.root / "KEY"
    cache.mkdir(parents=True, exist_ok=True)
    with setup.locked(cache / "lock"):
        if stamp.exists() and stamp.read_text() == digest:
            return mesos
        setup.check_tools()
        name = f"mesos.scheduler-{version}.linux-x86_64.tar.gz"
        tarball = setup.download("mesos.scheduler", cache / name, digest)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{version}.") as scratch:
            fresh = RealMesos(Path(scratch) / version)
            setup.extract_library(tarball, fresh.library)
            setup.make_stubs(fresh)
            lend_libevent(fresh)
            (fresh.root / "KEY").write_text(digest)
            shutil.rmtree(mesos.root, ignore_errors=True)
            fresh.root.rename(mesos.root)
    return mesos


def lend_libevent(mesos: RealMesos) -> None:
    """Put Debian's libevent beside a library that links to it, under the names of its time."""
    if "libevent-2.0" not in setup.run("readelf", "-d", mesos.library):
        return
    for name, debian in LIBEVENT.items():
        found = next(Path("/usr/lib").glob(f"*/{debian}"), None)
        if found is None:
            raise SetupError(f"{debian} is not installed. {setup.PACKAGES}")
        (mesos.stubs / name).symlink_to(found)
    setup.make_stub(mesos.stubs / "libevent_openssl-2.0.so.5", {"": list(LIBEVENT_OPENSSL)})
