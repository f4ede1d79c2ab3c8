"""An event published to the test broker, which calls its subscribers and waits for them."""

import time

from faststream.nats import NatsBroker, TestNatsBroker

import payload


class Prepared:
    async def prepare(self, handlers):
        broker = NatsBroker(logger=None)
        for number in range(handlers):
            broker.subscriber("cat-fed")(self.handler(number))
        self.test = TestNatsBroker(broker)
        self.broker = await self.test.__aenter__()

    async def close(self):
        await self.test.__aexit__(None, None, None)

    @staticmethod
    def handler(number):
        async def handle(event: dict):
            payload.add(event["amount"], number)

        return handle

    async def time(self, times):
        begun = time.perf_counter_ns()
        for _ in range(times):
            await self.broker.publish(payload.payload(), "cat-fed")
        return time.perf_counter_ns() - begun
