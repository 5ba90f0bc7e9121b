"""The messages of the package `mesos.v1.executor`."""

from __future__ import annotations

from mesos._messages import exports

__getattr__, __dir__ = exports(globals())
