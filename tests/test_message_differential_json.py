"""Our JSON against google.protobuf's: the same contents, wherever Mesos' dialect and protobuf's agree.

They differ in what is written (Mesos: names as in the schema, numbers for int64, a Duration as
the message it is), and each reads what the other writes, but for Durations.
"""

import json
import random

import mesos
from google.protobuf import json_format
from google_messages import children
from hypothesis import assume
from samples import differential

DURATION = "google.protobuf.Duration"
VALUES = ("null", "1", "-1", "1.5", "1e400", "true", '"x"', '""', '"\\ud800"', "[]", "{}", "[{}]")


def has_duration(message):
    return message.DESCRIPTOR.full_name == DURATION or any(map(has_duration, children(message)))


@differential
def test_json_is_read_and_written_the_same(sample):
    _, google = sample.make(complete=True)
    ours = sample.ours.FromString(google.SerializePartialToString())
    text = ours.to_json()
    assert sample.ours.from_json(text) == ours
    assume(not has_duration(google))
    assert json_format.Parse(text, sample.google()) == google
    theirs = json_format.MessageToJson(google, preserving_proto_field_name=True)
    assert sample.ours.from_json(theirs) == ours


@differential
def test_damaged_json_is_refused_or_read_as_what_it_then_says(sample):
    rng, google = sample.make(complete=True)
    text = sample.ours.FromString(google.SerializePartialToString()).to_json()
    text = damage(rng, text)
    try:
        ours = sample.ours.from_json(text)
    except mesos.DecodeError:
        return
    json.loads(text)  # it is JSON
    assert ours.IsInitialized()
    assert sample.ours.from_json(ours.to_json()) == ours
    assert sample.ours.FromString(ours.SerializeToString()) == ours


def damage(rng: random.Random, text: str) -> str:
    """Change letters, or put a value in the place of another: what is JSON then is so by luck."""
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(text))
        if rng.random() < 0.5:
            text = text[:at] + rng.choice('{}[]:,"0123456789-+.eE \\u\n\0ü') + text[at + 1 :]
            continue
        quoted = [at for at, letter in enumerate(text) if letter in ':,"']
        at = rng.choice(quoted or [0])
        other = rng.choice(
            ["null", "1", "-1", "1e400", '"x"', '""', "[]", "{}", "[{}]", "true", '"\\ud800"', "1.5"]
        )
        text = text[: at + 1] + other + text[at + 1 + rng.randint(0, 8) :]
    return text
