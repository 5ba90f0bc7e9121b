"""What the suites of this folder share: each test runs once for each way to drive a dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rides import RIDES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mesos
    from rides import Ride


@pytest.fixture(params=RIDES)
def ride(request: pytest.FixtureRequest, make: Callable[..., mesos.SchedulerDriver]) -> Iterator[Ride]:
    one = RIDES[request.param](make)
    yield one
    one.close()
