// What the JavaScript SDK of CloudEvents writes, and whether it reads what we write.
//
//     npm install cloudevents@10.0.0; node tests/data/cloudevents/sdk.mjs

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { CloudEvent, HTTP } = require("cloudevents");
const { version } = require(join(process.cwd(), "node_modules/cloudevents/package.json"));

const here = import.meta.dirname;
const read = (name) => JSON.parse(readFileSync(join(here, name), "utf8"));
const events = read("events.json");

const payload = ({ data, text, bytes }) => data ?? text ?? Uint8Array.from(bytes);
const attributes = ({ data, text, bytes, ...named }) => named;

const messages = events.flatMap((event, at) => {
    const made = new CloudEvent({ ...attributes(event), data: payload(event) });
    return ["structured", "binary"].map((how) => {
        const { headers, body } = HTTP[how](made);
        const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
        const { "content-type": content_type, ...rest } = texts;
        return { event: at, how: `HTTP.${how}`, content_type, headers: rest, body: typeof body === "string" ? body : [...body] };
    });
});
writeFileSync(join(here, "node.json"), JSON.stringify({ sdk: `cloudevents ${version} of npm`, messages }, null, 1) + "\n");

const ours = existsSync(join(here, "ours.json")) ? read("ours.json") : [];
const known = ours.filter(({ how }) => !how.endsWith("cloudEvents_"));
for (const { event, how, content_type, headers, body } of known) {
    const raw = typeof body === "string" ? body : Uint8Array.from(body);
    const found = HTTP.toEvent({ headers: { ...headers, "content-type": content_type }, body: raw });
    const wanted = attributes(events[event]);
    for (const [name, value] of Object.entries(wanted)) {
        const same = name === "time" ? new Date(found.time).getTime() === new Date(value).getTime() : String(found[name]) === String(value);
        assert(same, `${how} ${event}: ${name} is ${found[name]}, and not ${value}`);
    }
    let data = found.data;
    if (typeof data === "string" && typeof payload(events[event]) === "object") {
        data = JSON.parse(data);
    }
    // What is base64 stays bytes, each in a number of 32 bits.
    const bytes = (value) => (ArrayBuffer.isView(value) ? [...value] : [...Buffer.from(value)]);
    const wantedData = payload(events[event]);
    ArrayBuffer.isView(data) ? assert.deepEqual(bytes(data), bytes(wantedData)) : assert.deepEqual(data, wantedData);
}
console.log(`${messages.length} messages written, ${known.length} of ours read`);
