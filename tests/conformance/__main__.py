"""Runs protobuf's conformance tests and prints the counts: `make conformance`."""

from __future__ import annotations

import sys

from . import setup, suite


def main() -> int:
    """Run every way; what failed unexpectedly is printed as the runner puts it."""
    try:
        runner = setup.runner()
        package = setup.extension(runner)
    except setup.SetupError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1
    results = [suite.run(runner, package, way) for way in suite.WAYS]
    for result in results:
        if not result.has_passed:
            print(result.text, file=sys.stderr)
    for result in results:
        print(result)
    return 0 if all(result.has_passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
