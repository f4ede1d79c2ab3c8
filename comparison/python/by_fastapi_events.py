"""An event in an empty request: entered, dispatched, and delivered when it has ended."""

import time

from fastapi_events.dispatcher import dispatch
from fastapi_events.handlers.local import LocalHandler
from fastapi_events.middleware import EventHandlerASGIMiddleware

import payload


class Prepared:
    async def prepare(self, handlers):
        local = LocalHandler()
        for number in range(handlers):
            local.register(self.handler(number), event_name="cat-fed")
        self.app = EventHandlerASGIMiddleware(self.request, handlers=[local])

    async def close(self):
        pass

    @staticmethod
    def handler(number):
        async def handle(event):
            payload.add(event[1]["amount"], number)

        return handle

    @staticmethod
    async def request(scope, receive, send):
        dispatch("cat-fed", payload.payload())

    async def time(self, times):
        begun = time.perf_counter_ns()
        for _ in range(times):
            await self.app({"type": "http"}, None, None)
        return time.perf_counter_ns() - begun
