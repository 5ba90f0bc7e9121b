"""Writes the stubs that have changed, and says which."""

from __future__ import annotations

import sys

from tools.stubs import schema
from tools.stubs.stub import write

sys.stdout.writelines(f"wrote {path}\n" for path in map(write, schema.PACKAGES) if path is not None)
