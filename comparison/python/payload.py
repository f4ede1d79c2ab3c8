"""The payload of every event and the body of every handler, as the benchmarks of `events` have them."""

total = 0


def payload():
    return {"amount": 1000, "_rest": [1000, 1000, 1000]}


def add(amount, number):
    global total
    total += amount ^ number
