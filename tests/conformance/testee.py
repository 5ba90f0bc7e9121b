"""The program that protobuf's conformance runner asks: each case goes through our message classes.

The runner writes requests to stdin and reads responses from stdout, each a message of conformance.proto
behind its length. Those, too, are read and written by our own classes.

The only argument is the way that a message takes from parsing to serialising, one of `WAYS`. A message keeps
the bytes it was parsed from, splits them when it is first touched, and decodes a field when that is read:
each way proves another part of it.
"""

from __future__ import annotations

import copy
import json
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from mesos import DecodeError, EncodeError, Message, _mesos

Request: Any = _mesos.lookup("conformance", "ConformanceRequest")
Response: Any = _mesos.lookup("conformance", "ConformanceResponse")
FailureSet: Any = _mesos.lookup("conformance", "FailureSet")
Category: Any = _mesos.lookup("conformance", "TestCategory")
Format: Any = _mesos.lookup("conformance", "WireFormat")

PROTO2 = "protobuf_test_messages.proto2.TestAllTypesProto2"
PROTO3 = "protobuf_test_messages.proto3.TestAllTypesProto3"
TYPES: dict[str, Any] = {name: _mesos.lookup(*name.rsplit(".", 1)) for name in (PROTO2, PROTO3)}


def untouched(message: Any) -> None:
    """What was parsed is written as it came."""


def split(message: Any) -> None:
    """Every message is written from the fields it was split into, whose values stay undecoded."""
    for field, value in copy.copy(message).ListFields():
        if isinstance(value, Message):
            split(getattr(message, field.name))
        elif isinstance(value, _mesos.Repeated) and isinstance(value[0], Message):
            for item in getattr(message, field.name):
                split(item)
    change(message)


def change(message: Any) -> None:
    """Adds nothing, but counts as a change."""
    message.MergeFrom(type(message)())


def decoded(message: Any) -> None:
    """Every value at every level is read, set again, and written from what Python has of it."""
    for field, value in message.ListFields():
        if isinstance(value, _mesos.Map):
            for key, item in list(value.items()):
                if isinstance(item, Message):
                    decoded(item)
                else:
                    value[key] = item
        elif isinstance(value, _mesos.Repeated):
            items = list(value)
            if isinstance(items[0], Message):
                for item in items:
                    decoded(item)
            else:
                value[:] = items
        elif isinstance(value, Message):
            decoded(value)
        else:
            setattr(message, field.name, value)
    change(message)  # also if there was nothing to set


WAYS: dict[str, Callable[[Any], None]] = {way.__name__: way for way in (untouched, split, decoded)}


def reason_to_skip(request: Any) -> str | None:
    """Why a case is none of ours, or None if it is. All that is skipped is skipped here."""
    payload, output = request.WhichOneof("payload"), request.requested_output_format
    if payload not in ("protobuf_payload", "json_payload"):
        return f"input as {payload}"
    if output not in (Format.PROTOBUF, Format.JSON):
        return f"output as {output.name}"
    if request.message_type == PROTO3:
        # Mesos is proto2, but nearly all of the runner's JSON is about proto3. JSON looks the same in both.
        if payload == "protobuf_payload" and output == Format.PROTOBUF:
            return "proto3 without JSON"
        if names_what_is_left_out(request) if payload == "json_payload" else holds_what_is_left_out(request):
            return "proto3 with fields that schema.py left out"
    return None


def names_what_is_left_out(request: Any) -> bool:
    """Whether the JSON names fields that the test schema has not."""
    try:
        names = json.loads(request.json_payload)
    except ValueError:
        return False  # it is about JSON itself
    known = {field["name"] for field in _mesos.fields(request.message_type)}
    means_it = request.test_category == Category.JSON_IGNORE_UNKNOWN_PARSING_TEST
    return not means_it and isinstance(names, dict) and not known.issuperset(names)


def holds_what_is_left_out(request: Any) -> bool:
    """Whether the message has unknown fields, which JSON does not show."""
    message = TYPES[request.message_type].FromString(request.protobuf_payload)
    known = copy.copy(message)
    known.DiscardUnknownFields()
    return bool(known != message)


def answer(request: Any, way: Callable[[Any], None]) -> Any:
    """Do what the runner asks: parse, and serialise."""
    if request.message_type == "conformance.FailureSet":
        return Response(protobuf_payload=FailureSet().SerializeToString())
    if reason := reason_to_skip(request):
        return Response(skipped=reason)
    test_type = TYPES[request.message_type]
    try:
        if request.HasField("protobuf_payload"):
            message = test_type.FromString(request.protobuf_payload)
        else:
            message = test_type.from_json(request.json_payload)
    except DecodeError as error:
        return Response(parse_error=str(error))
    way(message)
    try:
        if request.requested_output_format == Format.PROTOBUF:
            return Response(protobuf_payload=message.SerializeToString())
        return Response(json_payload=message.to_json())
    except EncodeError as error:
        return Response(serialize_error=str(error))


def serve(requests: BinaryIO, responses: BinaryIO, way: Callable[[Any], None]) -> None:
    """Answer until the runner closes its end."""
    while size := requests.read(4):
        request = Request.FromString(requests.read(*struct.unpack("<I", size)))
        try:
            response = answer(request, way)
        except Exception:  # a failure of this case, which the runner shows
            response = Response(runtime_error=traceback.format_exc())
        encoded = response.SerializeToString()
        responses.write(struct.pack("<I", len(encoded)) + encoded)
        responses.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, WAYS[sys.argv[1]])
