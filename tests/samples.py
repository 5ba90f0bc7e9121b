"""Random messages to compare ours with google.protobuf's: which types, how large, how many of them.

`differential` is the decorator of all tests that compare: one example of every message of the schema, and
random ones besides, more often of the messages that schedulers meet. `MESOS_EXAMPLES` sets how many;
`make differential` runs for minutes.
"""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from google_messages import fill, finish, google_class, our_class
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from protoc import compile_schema


def _messages(scope: str, messages: Any) -> Iterator[str]:
    for message in messages:
        if not message.options.map_entry:
            yield f"{scope}.{message.name}"
            yield from _messages(f"{scope}.{message.name}", message.nested_type)


ROOTS = [
    name
    for file in compile_schema().file
    if file.package.startswith("mesos")
    for name in _messages(file.package, file.message_type)
]
"""Every message of every package, but the entries of maps."""

WEIGHTY = [
    "mesos.v1.TaskInfo",
    "mesos.v1.Offer",
    "mesos.v1.TaskStatus",
    "mesos.v1.FrameworkInfo",
    "mesos.v1.AgentInfo",
    "mesos.v1.Resource",
    "mesos.v1.ContainerInfo",
    "mesos.v1.Volume",
    "mesos.v1.ContainerID",
    "mesos.v1.scheduler.Call",
    "mesos.v1.scheduler.Event",
    "mesos.v1.scheduler.OfferConstraints",
    "mesos.v1.executor.Event",
    "mesos.v1.master.Call",
    "mesos.v1.agent.Call",
    "mesos.v1.quota.QuotaConfig",
]
"""What schedulers meet, and every kind of field: half of the random messages are of these."""

EXAMPLES = int(os.environ.get("MESOS_EXAMPLES", "1200"))
CASES = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One random message: its type, what its contents are drawn from, and how much there is of it."""

    name: str
    seed: int
    depth: int
    density: float

    @property
    def ours(self) -> Any:
        """Our class."""
        return our_class(self.name)

    @property
    def google(self) -> type[Message]:
        """google.protobuf's class."""
        return google_class(self.name)

    def make(self, *, entries: int = 3, complete: bool = False) -> tuple[random.Random, Message]:
        """Make google.protobuf's message, and the source of randomness for what is done to it next.

        Args:
            entries: at most so many in each map.
            complete: set every required field.

        """
        rng = random.Random(self.seed)
        message = self.google()
        fill(rng, message, self.depth, self.density, entries)
        if complete:
            finish(rng, message)
        return rng, message


samples = st.builds(
    Sample,
    name=st.sampled_from(WEIGHTY) | st.sampled_from(ROOTS),
    seed=st.integers(0, 2**64),
    depth=st.integers(1, 4),
    density=st.sampled_from([0.2, 0.5, 0.9]),
)


def differential(check: Callable[[Sample], None]) -> Callable[[], None]:
    """Make a test of a check that takes a `Sample`."""
    check = given(samples)(check)
    for name in ROOTS:
        check = example(Sample(name, seed=1, depth=2, density=0.6))(check)
    return CASES(check)


def damage(rng: random.Random, data: bytes) -> bytes:
    """Flip bits, overwrite bytes, cut the end off: a few times, so that much of it is still right."""
    damaged = bytearray(data or b"\x0a\x00")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(damaged))
        damaged[at] = rng.choice([damaged[at] ^ (1 << rng.randrange(8)), rng.randrange(256), 0xFF])
    if rng.random() < 0.3:
        del damaged[rng.randrange(len(damaged)) :]
    return bytes(damaged)


def varint(value: int) -> bytes:
    """Encode an integer of at most 64 bits."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def oddity(rng: random.Random, message: Message) -> bytes:
    """Make a field to put behind others: mostly a known number, with anything of any wire type.

    So messages come in two parts, numbers packed or with more bits than their type has, fields as what they
    are not.
    """
    numbers = [field.number for field in message.DESCRIPTOR.fields]
    number = rng.choice([*numbers, rng.randint(1, 200)])
    wire_type = rng.choice([0, 0, 1, 2, 2, 2, 3, 5])
    big = rng.choice([rng.getrandbits(64), rng.getrandbits(33), rng.randint(0, 300)])
    contents = {
        0: varint(big) if rng.random() < 0.8 else b"\x80" * rng.randint(1, 9) + b"\x01",
        1: rng.randbytes(8),
        3: varint(rng.randint(1, 9) << 3) + varint(big) + varint(number << 3 | 4),
        5: rng.randbytes(4),
    }
    payloads = (
        b"",
        varint(big),
        varint(big) * 3,
        rng.randbytes(8),
        varint(rng.randint(1, 9) << 3) + varint(big),
    )
    payload = rng.choice(payloads)
    return varint(number << 3 | wire_type) + contents.get(wire_type, varint(len(payload)) + payload)
