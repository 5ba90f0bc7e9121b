"""Secrets stay out of error messages and texts."""

import mesos
import pytest
from mesos.v1 import scheduler

SECRETS = [
    lambda: mesos.Secret(value="hush"),
    lambda: mesos.Secret.Value(data="hush"),
    lambda: mesos.Credential(principal="p", secret=b"\xffhush"),
    lambda: mesos.Credential(principal="p", secret="hush\ud800"),
    lambda: mesos.Environment.Variable(name="n", secret="hush"),
    lambda: mesos.Volume.Source.CSIVolume.StaticProvisioning(node_stage_secrets="hush"),
    lambda: mesos.Volume.Source.CSIVolume.StaticProvisioning(node_stage_secrets={"k": "hush"}),
    lambda: mesos.Secret().CopyFrom("hush"),
    lambda: mesos.Credential.from_json('"hush"'),
    lambda: mesos.Secret.from_json('{"type": "VALUE", "value": "hush"}'),
]


@pytest.mark.parametrize("make", SECRETS)
def test_no_error_shows_a_secret(make):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert (
        "hush" not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"
    )


def test_no_text_shows_a_secret():
    secret = mesos.Secret(type="VALUE", value={"data": b"hush"})
    call = scheduler.Call(
        accept={
            "operations": [
                {
                    "type": "LAUNCH",
                    "launch": {
                        "task_infos": [
                            {"command": {"environment": {"variables": [{"name": "n", "secret": secret}]}}}
                        ]
                    },
                }
            ]
        }
    )
    for shown in (secret, secret.value, call, call.accept.operations):
        assert "hush" not in f"{shown} {shown!r}"
        assert "<hidden>" in str(shown)
    assert b"hush" in call.SerializePartialToString()
