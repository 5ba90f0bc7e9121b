"""JSON as liberal as Mesos': the same odd calls, read by the real master and by the embedded one.

Invariants
* Every call names a framework that nobody has: "Framework cannot be found" is how a master says that it could
  read the call. What is wrong with it otherwise is no matter here.
* What the two do not agree on is in DIFFERENCES, each with its reason; one that is listed has to be seen.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable

from mesos import LocalCluster

from .cluster import RealCluster
from .conversation import JSON, MARGIN

REVIVE = b'{"type":"REVIVE","framework_id":{"value":"x"}%s}'
KINDS = [b"null", b"[]", b"{}", b'""', b'"x"', b"5", b"true"]
NUMBERS = [
    *(b"-5", b"5.0", b"5.5", b"-0", b"5e3", b"1E2", b"0.1e1", b"1e300", b"5.", b".5", b"01", b"+1", b"NaN"),
    *(b"4294967295", b"4294967296", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616"),
    *(b"[5]", b"[[5]]", b"Infinity", b"-9223372036854775808", b"-9223372036854775809"),
]
TEXTS = [
    *(
        b'"5"',
        b'" 5"',
        b'"5 "',
        b'"5.0"',
        b'"5.5"',
        b'"5e3"',
        b'"5."',
        b'".5"',
        b'"010"',
        b'"+1"',
        b'"-1"',
        b'"-0"',
    ),
    *(
        b'"0x10"',
        b'"5abc"',
        b'"1e400"',
        b'"Infinity"',
        b'"-Infinity"',
        b'"inf"',
        b'"NaN"',
        b'"nan"',
        b'"true"',
    ),
    *(
        b'" true"',
        b'"true "',
        b'"True"',
        b'"false"',
        b'"1"',
        b'"SCALAR"',
        b'"scalar"',
        b'" SCALAR"',
        b'"4294967296"',
    ),
]
BASE64 = [
    *(b'"AA=="', b'"AA"', b'"A"', b'"A==="', b'"AB=="', b'"++8="', b'"--8="', b'"-_"', b'"!!"', b'"A A="'),
    *(b'"AA==\\n"', b'"=AA="', b'"AAA=AAA="', b'"AAAAA"', b'"\\u00e9"'),
]
#: Where a value can stand in a task: by what the schema wants there.
PLACES = {
    "text": b'"labels":{"labels":[{"key":%s}]}',
    "optional text": b'"labels":{"labels":[{"key":"k","value":%s}]}',
    "texts": b'"command":{"arguments":%s}',
    "one of texts": b'"command":{"arguments":[%s]}',
    "bytes": b'"data":%s',
    "message": b'"discovery":{"visibility":"CLUSTER","ports":%s}',
    "messages": b'"resources":%s',
    "one of messages": b'"resources":[%s]',
    "map": b'"limits":%s',
    "one of maps": b'"limits":[%s]',
    "value of a map": b'"limits":{"cpus":%s}',
    "double": b'"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":%s}}]',
    "uint64": b'"resources":[{"name":"p","type":"RANGES","ranges":{"range":[{"begin":%s,"end":9}]}}]',
    "int64": b'"max_completion_time":{"nanoseconds":%s}',
    "uint32": b'"discovery":{"visibility":"CLUSTER","ports":{"ports":[{"number":%s}]}}',
    "bool": b'"command":{"shell":%s}',
    "enum": b'"resources":[{"name":"cpus","type":%s}]',
    "optional enum": b'"health_check":{"type":%s}',
    "enums": b'"container":{"type":"MESOS","linux_info":{"capability_info":{"capabilities":%s}}}',
    "unknown": b'"nothing":%s',
}
SLAVE = b'"slave_id":{"value":"s"}'
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    **{f"the whole is {kind.decode()}": kind for kind in KINDS},
    "a call in an array": b"[" + REVIVE % b"" + b"]",
    "space around": b" \r\n\t" + REVIVE % b"" + b" \n",
    "two calls": REVIVE % b"" * 2,
    "something behind": REVIVE % b"" + b"x",
    "a NUL behind": REVIVE % b"" + b"\0",
    "a byte order mark": b"\xef\xbb\xbf" + REVIVE % b"",
    "a comment": REVIVE % b"" + b"//",
    "a comma too many": REVIVE % b",",
    "a brace too few": (REVIVE % b"")[:-1],
    "an empty name": REVIVE % b',"":1',
    "Python's words": REVIVE % b',"nothing":None',
    "a type twice": b'{"type":"KILL","type":"REVIVE","framework_id":{"value":"x"}}',
    "a type by number": b'{"type":5,"framework_id":{"value":"x"}}',
    "a type of next year": b'{"type":"DANCE","framework_id":{"value":"x"}}',
    "an escaped type": b'{"type":"\\u0052EVIVE","framework_id":{"value":"x"}}',
    "camel case": b'{"type":"REVIVE","frameworkId":{"value":"x"}}',
    "both names of an agent": b'{"type":"KILL","framework_id":{"value":"x"},"kill":{"task_id":{"value":"t"},'
    b'"agent_id":{"value":"a"},%s}}' % SLAVE,
    "the old name of an agent": b'{"type":"MESSAGE","framework_id":{"value":"x"},"message":'
    b'{"executor_id":{"value":"e"},"data":"AA==",%s}}' % SLAVE,
    "an old name with nonsense": b'{"type":"KILL","framework_id":{"value":"x"},"kill":'
    b'{"task_id":{"value":"t"},"slave_id":5}}',
    "99 levels of nothing": REVIVE % (b',"nothing":' + b"[" * 99 + b"]" * 99),
    "200 levels of nothing": REVIVE % (b',"nothing":' + b"[" * 200 + b"]" * 200),
    "no double in an unknown field": REVIVE % b',"nothing":1e999',
}
for text in (
    b"\\ud83d\\ude00",
    b"\\ud83d",
    b"\\ude00",
    b"\\u0000",
    b"\\/",
    b"\\x",
    b"\t",
    b"\xff",
    b"\xc3\xa9",
):
    BODIES[f"text {text!r}"] = REVIVE % (b',"revive":{"roles":["%s"]}' % text)
TASK = (
    b'{"type":"ACCEPT","framework_id":{"value":"x"},"accept":{"operations":[{"type":"LAUNCH","launch":{"task_infos":'
    b'[{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},%s}]}}]}}'
)
for place, form in PLACES.items():
    values = [*KINDS, *NUMBERS, *TEXTS] + (BASE64 if place == "bytes" else [])
    BODIES |= {f"{place}: {value.decode()}": TASK % (form % value) for value in values}

TAKEN = "taken"


RANGES = {
    "uint32": range(1 << 32),
    "int64": range(-(1 << 63), 1 << 63),
    "uint64": range(1 << 64),
}


def is_too_large(name: str) -> bool:
    """Tell whether it is a number for a field that cannot hold it."""
    place, _, value = name.partition(": ")
    try:
        return int(float(value.strip('"'))) not in RANGES[place]
    except (KeyError, ValueError, OverflowError):
        return False


#: What the embedded master does otherwise, and why: whether it takes it, the calls, the reason.
DIFFERENCES: list[tuple[bool, Callable[[str], bool], str]] = [
    (False, is_too_large, "Mesos lets a number wrap around that its field cannot hold; here it is an error"),
    (
        False,
        lambda name: name.endswith((": 5.", ": 01")) or name == r"text b'\xff'",
        "this is no JSON, says the reader of JSON that the drivers have, too",
    ),
    (
        True,
        lambda name: name in ("200 levels of nothing", "no double in an unknown field"),
        "what no field has is passed over without a look at its size",
    ),
    (True, lambda name: name == "value of a map: null", "as everywhere, null is what is not there"),
]


def outcome(master: str, body: bytes) -> str:
    """Return whether a master can read a call, and if not, what it says about it."""
    with contextlib.closing(http.client.HTTPConnection(master, timeout=MARGIN)) as connection:
        connection.request("POST", "/api/v1/scheduler", body, JSON)
        response = connection.getresponse()
        words = response.read().decode(errors="replace")
    if "Framework cannot be found" in words or words.startswith("Failed to validate"):
        return TAKEN
    return f"{response.status} {words.partition(':')[0]}"


def is_taken(master: str) -> dict[str, bool]:
    return {name: outcome(master, body) == TAKEN for name, body in BODIES.items()}


def test_the_embedded_master_reads_what_mesos_reads(real_cluster: RealCluster) -> None:
    real = is_taken(real_cluster.master)
    with LocalCluster() as cluster:
        local = is_taken(cluster.master)
    differing = {name for name in BODIES if local[name] != real[name]}
    for ours, applies, why in DIFFERENCES:
        listed = {name for name in differing if applies(name) and local[name] is ours}
        print(f"{len(listed):3} times {'taken' if ours else 'refused'} by the embedded master alone: {why}")
        assert listed
        differing -= listed
    assert not differing
    assert sum(real.values()) > 300
    assert len(BODIES) - sum(real.values()) > 300
