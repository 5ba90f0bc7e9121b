"""The messages of the package `mesos.v1.resource_provider`."""

from __future__ import annotations

from mesos._messages import exports

__getattr__, __dir__ = exports(globals())
