// Listening to the gate: server-sent events over fetch, so that a revoked phone is told (401) and a return picks up after
// the last fact (Last-Event-ID). Three signs tell life from silence: an event, the end of the stream, and the watch.

import { address, request } from "./api.js";
import { change, mark, since, state } from "./store.js";

const PATH = "/gate/events";
const DEAD_AFTER_MS = 25_000; // two beats and a half: a 4G link that swallows packets never ends by itself
const LONGEST_PAUSE_MS = 8000;

const hearers = new Set();
export function onFact(hearer) {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

let running = null;
let lastId = null;
let onBye = () => {};
/** Have `listener` called when the server ends this session's stream because the phone was signed out. */
export const onSignedOut = (listener) => (onBye = listener);
export function start() {
  running?.abort();
  running = new AbortController();
  follow(running.signal);
}
export function stop() {
  running?.abort();
  running = null;
  lastId = null;
}

/** The phone woke up, or (`changed`) its network did: what may be dead is dialled anew at once. */
export function nudge(changed = false) {
  if (!running) return;
  if (changed || state.link !== "open" || !state.heard || since(state.heard) > 12_000) start();
}

async function follow(signal) {
  let pause = 500;
  while (!signal.aborted) {
    const opened = await listenOnce(signal).catch(() => false);
    if (signal.aborted) return;
    pause = opened ? 500 : Math.min(pause * 2, LONGEST_PAUSE_MS);
    change({ link: opened ? "connecting" : "lost" });
    await new Promise((done) => setTimeout(done, pause * (0.75 + Math.random() / 2)));
  }
}

/** One connection, until it ends; tells whether it ever opened. Ends itself when nothing was heard for too long. */
async function listenOnce(signal) {
  const cut = new AbortController();
  const stopped = () => cut.abort();
  signal.addEventListener("abort", stopped);
  let heard = mark();
  const watch = setInterval(() => since(heard) > DEAD_AFTER_MS && cut.abort(), 1000);
  let opened = false;
  try {
    const headers = { Accept: "text/event-stream", ...(lastId && { "Last-Event-ID": lastId }) };
    const answer = await fetch(address(PATH), { headers, cache: "no-store", signal: cut.signal });
    if (!answer.ok) {
      if (answer.status === 401) await request("GET", "/gate").catch(() => {}); // tells api.js, which tells all
      return false;
    }
    opened = true;
    change({ link: "open" });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = parser(receive);
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard = mark();
      parse(piece.value);
    }
    return true;
  } catch {
    return opened && since(heard) < DEAD_AFTER_MS;
  } finally {
    clearInterval(watch);
    signal.removeEventListener("abort", stopped);
  }
}

/** Make a function that takes text in any pieces and calls `receive(event, data, id)` for each whole event. */
export function parser(received) {
  let rest = "";
  let event = "message";
  let data = [];
  let id = null;
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) received(event, data.join("\n"), id);
        [event, data] = ["message", []];
      } else if (!line.startsWith(":")) {
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "event") event = value;
        else if (name === "data") data.push(value);
        else if (name === "id") id = value;
      }
    }
  };
}

function receive(event, raw, id) {
  if (id) lastId = id;
  const data = JSON.parse(raw);
  const life = { heard: mark(), heardAt: new Date() };
  if (event === "state") change({ ...life, ...known(data), gateAnswers: true });
  else if (event === "beat") change({ ...life, gateAnswers: data.gate_up, ...clocks(data.mono_ms) });
  else if (event === "fact") {
    change(life);
    for (const hearer of [...hearers]) hearer(data);
  } else if (event === "bye" && data.code === "signed_out") onBye();
}
export function known(gate) {
  const sameBoot = !state.gate || state.gate.boot_id === gate.boot_id;
  return { gate, site: { ...state.site, name: gate.name }, ...clocks(gate.at_mono_ms, sameBoot) };
}

// The smallest difference between the two clocks ever seen is the truest: the others were delayed on the way.
function clocks(monoMs, sameBoot = true) {
  const difference = performance.now() - monoMs;
  return { monoAt: sameBoot && state.monoAt !== null ? Math.min(state.monoAt, difference) : difference };
}
