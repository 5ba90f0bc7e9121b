"""libmesos, Apache Mesos' own C++ library: so far, only which release it is."""

from __future__ import annotations

import os

from mesos import _mesos

__all__ = ["libmesos_version"]


def libmesos_version(library: str | os.PathLike[str] | None = None) -> str:
    """Load a libmesos and tell which release of Mesos it is, like "1.11.0".

    `library` is the path of the shared library, or a name that the system's loader finds. None means the one
    in $MESOS_NATIVE_LIBRARY, else in $MESOS_NATIVE_JAVA_LIBRARY, else the loader's `libmesos.so`.

    Raises ConfigurationError if it cannot be loaded, or is no libmesos that can be used; the text says what
    was tried and what was missing. No other library is tried in its place.

    May be called from any thread, and lets the others run. The first call takes about 0.1 s. A library stays
    loaded until the process ends.
    """
    return _mesos.libmesos_version("" if library is None else os.fspath(library))
