#!/usr/bin/env python3
"""What fastapi-events puts into a queue of SQS, and what it makes of the messages that `events` puts there.

    python3 -m venv target/venv && target/venv/bin/pip install fastapi-events==0.12.2 'moto[server]==5.2.5' boto3
    target/venv/bin/python tests/data/fastapi-events/sqs.py > tests/data/fastapi-events/sent.json
    EVENTS_SQS_PAIRS=target/pairs.json cargo test -p events-tests --test sqs fastapi
    target/venv/bin/python tests/data/fastapi-events/sqs.py target/pairs.json

The first call has its `SQSForwardHandler` send `events.json` to moto, and prints the bodies. fastapi-events has nothing that
reads a queue: the second call does what a consumer does, which hands what it has read to the local handler, and checks that
this gets the very events, and that the handler for SQS would write them as it has written its own.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-central-1")


def events():
    return [tuple(event) for event in json.loads((HERE / "events.json").read_text())]


def sent():
    import boto3
    from fastapi_events.handlers.aws import SQSForwardHandler
    from moto import mock_aws

    with mock_aws():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="pairs")["QueueUrl"]
        asyncio.run(SQSForwardHandler(queue_url=url, region_name="eu-central-1").handle_many(events()))
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        assert all("MessageAttributes" not in message for message in received["Messages"])
        return [message["Body"] for message in received["Messages"]]


def read(bodies):
    from fastapi_events.handlers.aws import _json_serializer
    from fastapi_events.handlers.local import local_handler

    handled = []

    @local_handler.register(event_name="PY_*")
    async def handle(event):
        handled.append(event)

    for body in bodies:
        asyncio.run(local_handler.handle(tuple(json.loads(body))))
    assert handled == events(), handled
    assert [_json_serializer(event) for event in handled] == sent()
    return f"{len(handled)} events of `events` were read"


if __name__ == "__main__":
    print(read(json.loads(Path(sys.argv[1]).read_text())) if len(sys.argv) > 1 else json.dumps(sent(), indent=2))
