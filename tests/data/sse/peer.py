#!/usr/bin/env python3
"""Others who speak Server-Sent Events: httpx-sse, which reads, and sse-starlette, which serves.

    target/moto/bin/python tests/data/sse/peer.py read URL COUNT [LAST_EVENT_ID]

prints what a stream says of retries, and its next `COUNT` events, as JSON: name, data, id. And

    target/moto/bin/python tests/data/sse/peer.py serve

serves `events.json`, prints its port, and ends with its input. It closes each connection behind three events, with comments
between them, and goes on behind the `Last-Event-ID` of the next one. `.ci/run` makes target/moto; the tests of SSE run this.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from pathlib import Path

EVENTS = json.loads((Path(__file__).parent / "events.json").read_text())


def read(url, count, last_id=""):
    import httpx
    from httpx_sse import connect_sse

    headers = {"Last-Event-ID": last_id} if last_id else {}
    retry, seen = None, []
    with httpx.Client(timeout=60) as client, connect_sse(client, "GET", url, headers=headers) as source:
        for event in source.iter_sse():
            if event.retry is not None:
                # Without data it is no event to browsers, and one to httpx-sse.
                retry = event.retry
                continue
            seen.append([event.event, event.data, event.id])
            if len(seen) == int(count):
                break
    print(json.dumps([retry, seen]))


def serve():
    import uvicorn
    from sse_starlette import EventSourceResponse, ServerSentEvent
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def stream(request):
        first = int(request.headers.get("last-event-id", "-1")) + 1

        async def events():
            yield ServerSentEvent(comment="hello", retry=10)
            for number in range(first, min(first + 3, len(EVENTS))):
                name, data = EVENTS[number]
                yield ServerSentEvent(data=data, event=name, id=str(number))
            if first >= len(EVENTS):
                await asyncio.sleep(3600)

        return EventSourceResponse(events(), ping=1)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/", stream)]), log_level="error"))
    asyncio.run(server.serve(sockets=[listener]))


if sys.argv[1] == "read":
    read(*sys.argv[2:])
else:
    serve()
