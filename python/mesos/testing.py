"""Helpers for testing frameworks without a cluster.

`ScriptedBackend` stands in for a master, or for an executor's agent: it says what a test scripts, from native
threads and through the very queue that real backends use, and keeps the calls that the driver makes.
"""

from __future__ import annotations

from mesos._mesos import ScriptedBackend

__all__ = ["ScriptedBackend"]
