// Has Mermaid itself read pictures, and prints what it found in each: nodes, lines and groups.
//
//   npm install --no-save --prefix target/mermaid mermaid jsdom
//   cargo run --example picture > target/mermaid/cat_cafe.mmd
//   cp tests/data/mermaid/read.mjs target/mermaid && node target/mermaid/read.mjs target/mermaid/cat_cafe.mmd
//
// It exits with 1 where one cannot be read. Tried with Mermaid 12.3.

import fs from 'node:fs';
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!DOCTYPE html><body></body>');
for (const name of ['DOMParser', 'Element', 'HTMLElement', 'MutationObserver', 'Node', 'SVGElement', 'document']) {
  globalThis[name] = window[name];
}
globalThis.window = window;
const { default: mermaid } = await import('mermaid');
mermaid.initialize({ startOnLoad: false });

// Mermaid marks characters that are written by their numbers, and puts them in when it draws.
const decoded = (text) => (text ?? '').replace(/ﬂ°°(\d+)¶ß/g, (_, number) => String.fromCodePoint(Number(number)));

for (const file of process.argv.slice(2)) {
  try {
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(fs.readFileSync(file, 'utf8'));
    for (const { id, type, text, classes } of db.getVertices().values()) {
      console.log('node', id, type, JSON.stringify(decoded(text)), classes.join(' '));
    }
    for (const { start, end, text, stroke } of db.getEdges()) {
      console.log('line', start, end, JSON.stringify(decoded(text)), stroke);
    }
    for (const { id, title, nodes } of db.getSubGraphs()) {
      console.log('group', id, JSON.stringify(decoded(title)), nodes.join(' '));
    }
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    process.exitCode = 1;
  }
}
