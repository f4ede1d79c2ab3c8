"""Answers lines `module handlers times` by `nanoseconds sum`, in the loop in which the events run."""

import asyncio
import importlib
import sys

import payload


async def main():
    prepared = {}
    print("ready", flush=True)
    # The loop stands still between two questions: nothing else runs on it.
    for line in sys.stdin:
        module, handlers, times = line.split()
        key = (module, handlers)
        if key not in prepared:
            prepared[key] = importlib.import_module(module).Prepared()
            await prepared[key].prepare(int(handlers))
        before = payload.total
        nanos = await prepared[key].time(int(times))
        print(nanos, payload.total - before, flush=True)
    for one in prepared.values():
        await one.close()


asyncio.run(main())
