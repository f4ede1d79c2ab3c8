"""What the Python SDK of CloudEvents writes, and whether it reads what we write.

    pip install cloudevents==2.2.0; python3 tests/data/cloudevents/sdk.py
"""

import datetime
import importlib.metadata
import json
import pathlib

from cloudevents.core.bindings import amqp, http, kafka, rabbitmq
from cloudevents.core.v1.event import CloudEvent
from dateutil.parser import isoparse

HERE = pathlib.Path(__file__).parent
EVENTS = json.loads((HERE / "events.json").read_text())
PAYLOADS = {"data": lambda data: data, "text": lambda text: text, "bytes": bytes}


def payload(event):
    (found,) = [read(event[key]) for key, read in PAYLOADS.items() if key in event]
    return found


def attributes(event):
    named = {name: value for name, value in event.items() if name not in PAYLOADS}
    return named | {"time": isoparse(named["time"])}


def text(name, value):
    if isinstance(value, bytes):
        return value.decode()
    if name.endswith("time") and isinstance(value, int):  # a timestamp of AMQP's own
        return datetime.datetime.fromtimestamp(value / 1000, datetime.UTC).isoformat()
    return str(value)


def body_of(body):
    try:
        return body.decode()
    except UnicodeDecodeError:
        return list(body)


def message(event, how, content_type, headers, body):
    headers = {name: text(name, value) for name, value in headers.items()}
    content_type = content_type or headers.pop("content-type", None)
    return {"event": event, "how": how, "content_type": content_type, "headers": headers,
            "body": body_of(body)}


def written():
    for at, event in enumerate(EVENTS):
        event = CloudEvent(attributes(event), payload(event))
        for how in ["to_structured_event", "to_binary_event"]:
            m = getattr(http, how)(event)
            yield message(at, f"http.{how}", None, m.headers, m.body)
            m = getattr(kafka, how)(event)
            yield message(at, f"kafka.{how}", None, m.headers, m.value)
            m = getattr(rabbitmq, how)(event)
            yield message(at, f"rabbitmq.{how}", m.content_type, m.headers, m.body)
            m = getattr(amqp, how)(event)
            yield message(at, f"amqp.{how}", m.properties["content-type"], m.application_properties, m.application_data)


def check(ours):
    headers, body, content_type = ours["headers"], ours["body"], ours["content_type"]
    body = body.encode() if isinstance(body, str) else bytes(body)
    if ours["how"].endswith("cloudEvents_"):
        read = amqp.from_amqp_event(amqp.AMQPMessage({"content-type": content_type}, headers, body))
    else:
        read = http.from_http_event(http.HTTPMessage({"content-type": content_type} | headers, body))
    event = EVENTS[ours["event"]]
    found = {name: value for name, value in read.get_attributes().items() if name != "specversion"}
    wanted = attributes(event)
    if "structured" not in ours["how"]:  # headers are texts
        wanted = {name: value if name == "time" else str(value) for name, value in wanted.items()}
        found["time"] = isoparse(found["time"]) if isinstance(found["time"], str) else found["time"]
    assert found == wanted, (found, wanted)
    data = read.get_data()
    wanted = payload(event)
    if isinstance(data, bytes) and isinstance(wanted, str):
        data = data.decode()
    if isinstance(data, (bytes, str)) and isinstance(wanted, dict):
        data = json.loads(data)
    assert data == wanted, (data, wanted)


version = importlib.metadata.version("cloudevents")
answers = {"sdk": f"cloudevents {version} of PyPI", "messages": list(written())}
(HERE / "python.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
ours = json.loads((HERE / "ours.json").read_text()) if (HERE / "ours.json").exists() else []
for each in ours:
    check(each)
print(f"{len(answers['messages'])} messages written, {len(ours)} of ours read")
