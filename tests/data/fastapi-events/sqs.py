#!/usr/bin/env python3
"""What fastapi-events puts into a queue of SQS, and what it makes of the messages that `events` puts there.

    .ci/run                              # which makes target/moto
    target/moto/bin/python tests/data/fastapi-events/sqs.py > tests/data/fastapi-events/sent.json

has its `SQSForwardHandler` send `events.json` to moto, and prints the bodies. fastapi-events has nothing that reads a queue:

    target/moto/bin/python tests/data/fastapi-events/sqs.py ENDPOINT QUEUE COUNT

does what a consumer does. It asks the service at `ENDPOINT` for the messages of `QUEUE`, dispatches each as the pair that it is,
deletes it when the local handler has had it, and prints what the handler was given. It ends when that was `COUNT` events, or when
a minute is over. The tests of SQS run it.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-central-1")


def sent():
    import boto3
    from fastapi_events.handlers.aws import SQSForwardHandler
    from moto import mock_aws

    events = [tuple(event) for event in json.loads((HERE / "events.json").read_text())]
    with mock_aws():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="pairs")["QueueUrl"]
        asyncio.run(SQSForwardHandler(queue_url=url, region_name="eu-central-1").handle_many(events))
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        assert all("MessageAttributes" not in message for message in received["Messages"])
        return [message["Body"] for message in received["Messages"]]


async def consume(endpoint, queue, count):
    import boto3
    from fastapi_events.dispatcher import dispatch
    from fastapi_events.handlers.local import local_handler
    from fastapi_events.middleware import EventHandlerASGIMiddleware

    handled = []

    @local_handler.register(event_name="*")
    async def handle(event):
        handled.append(event)

    # What an application adds, with nothing behind it: no event here belongs to a request.
    middleware = EventHandlerASGIMiddleware(app=None, handlers=[local_handler], middleware_id=1)
    sqs = boto3.client("sqs", endpoint_url=endpoint)
    begun = time.monotonic()
    while len(handled) < count and time.monotonic() < begun + 60:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in received.get("Messages", []):
            name, payload = json.loads(message["Body"])
            dispatch(name, payload, middleware_id=1)
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    del middleware
    return handled


if __name__ == "__main__":
    if len(sys.argv) > 1:
        endpoint, queue, count = sys.argv[1:]
        print(json.dumps(asyncio.run(consume(endpoint, queue, int(count)))))
    else:
        print(json.dumps(sent(), indent=2))
