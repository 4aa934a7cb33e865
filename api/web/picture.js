// The live picture on a canvas. H.264 over the WebSocket where the browser decodes it; else single JPEGs, asked for one
// after the other so that a slow link gets fewer of them instead of a queue. Nothing is fetched while nobody looks.

import { address } from "./api.js";
import { state } from "./store.js";

const PERIOD_MS = 330;
const HEADER_BYTES = 13;
const [KEY, JPEG] = [1, 3];
const REPLACED = 4408; // this phone watches in a newer window
const LATE_MS = 3000; // a link too slow for video: single pictures are younger
const SILENT_MS = 6000; // no frame for so long on an open socket: dial again

let shown = () => Infinity;
export const pictureAge = () => shown();

/** Keep `canvas` live until `signal`. `drawn()` follows each frame, `missing(reason)` when there is none to show.
 *  Returns a function that tells the age in ms of what is shown; Infinity before the first frame. */
export function live(canvas, { signal, drawn, missing }) {
  let taken = null;
  const paint = canvas.getContext("2d", { alpha: false });

  function draw(frame, at) {
    const [width, height] = [frame.displayWidth ?? frame.width, frame.displayHeight ?? frame.height];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    paint.drawImage(frame, 0, 0, width, height);
    frame.close();
    taken = at;
    drawn();
  }
  run(draw, missing, signal);
  const age = () => (taken === null || signal.aborted ? Infinity : performance.now() - taken);
  shown = age;
  return age;
}

async function run(draw, missing, signal) {
  let video = "VideoDecoder" in window;
  let away = 0; // how often in a row the socket brought nothing
  while (!signal.aborted) {
    await seen(signal);
    if (video) {
      const why = await stream((...frame) => {
        away = 0;
        draw(...frame);
      }, missing, signal);
      if (why === "unable") video = false;
      else if (why === "replaced") await snapshots(draw, missing, signal, Infinity); // or two windows would take turns
      else if (why !== "hidden") await snapshots(draw, missing, signal, Math.min(4000 * 2 ** (away += 1), 60_000)); // pictures meanwhile
    } else await snapshots(draw, missing, signal, Infinity);
  }
}
function seen(signal) {
  if (!document.hidden || signal.aborted) return null;
  return new Promise((done) => {
    document.addEventListener("visibilitychange", done, { once: true });
    signal.addEventListener("abort", done, { once: true });
  });
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// When a frame was taken, on this page's clock: exactly where the gate's clock is known, else at worst.
const takenAt = (monoMs, atWorst) => (state.monoAt === null || !monoMs ? atWorst : Math.min(monoMs + state.monoAt, performance.now()));

async function snapshots(draw, missing, signal, forMs) {
  const end = performance.now() + forMs;
  let failures = 0;
  while (!signal.aborted && !document.hidden && performance.now() < end) {
    const begun = performance.now();
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(8000)]);
      const answer = await fetch(address("/camera/snapshot.jpg"), { cache: "no-store", signal: limit });
      if (!answer.ok) throw new Error("no picture");
      const [age, mono] = ["X-Frame-Age-Ms", "X-Frame-Mono-Ms"].map((name) => Number(answer.headers.get(name)));
      draw(await createImageBitmap(await answer.blob()), takenAt(mono, begun - age));
      failures = 0;
    } catch {
      if (signal.aborted) return;
      failures += 1;
      missing();
    }
    const took = performance.now() - begun;
    await pause(failures ? Math.min(500 * 2 ** failures, 5000) : Math.max(PERIOD_MS - took, took / 2));
  }
}

/** Show H.264 units until the socket ends. Answers why: "hidden", "away", "replaced", or "unable" (to decode it). */
function stream(draw, missing, signal) {
  return new Promise((done) => {
    const socket = new WebSocket(new URL(address("/camera/live"), location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    const marks = new Map(); // capture time in µs → when that was on this page's clock
    let decoder = null;
    let heard = performance.now();
    let inTime = heard; // when a frame was last shown soon after it was taken

    const finish = (why) => {
      clearInterval(watch);
      signal.removeEventListener("abort", gone);
      document.removeEventListener("visibilitychange", hidden);
      if (decoder && decoder.state !== "closed") decoder.close();
      socket.onmessage = socket.onclose = null;
      socket.close();
      done(why);
    };
    const gone = () => finish("hidden");
    const hidden = () => document.hidden && finish("hidden");
    const watch = setInterval(() => performance.now() - heard > SILENT_MS && finish("away"), 1000);
    signal.addEventListener("abort", gone);
    document.addEventListener("visibilitychange", hidden);
    socket.onclose = ({ code }) => finish(code === REPLACED ? "replaced" : "away");

    const show = (frame) => {
      const at = marks.get(frame.timestamp) ?? performance.now();
      const now = performance.now();
      if (now - at < LATE_MS) inTime = now;
      else if (now - inTime > LATE_MS) finish("away");
      for (const stamp of marks.keys()) if (stamp <= frame.timestamp) marks.delete(stamp);
      draw(frame, at);
    };
    const configure = ({ codec, width, height }) => {
      if (decoder && decoder.state !== "closed") decoder.close();
      marks.clear();
      decoder = new VideoDecoder({ output: show, error: () => finish("unable") });
      decoder.configure({ codec, codedWidth: width, codedHeight: height, optimizeForLatency: true });
      decoder.waiting = true; // for a key frame
    };

    socket.onmessage = ({ data }) => {
      heard = performance.now();
      if (typeof data === "string") {
        const told = JSON.parse(data);
        if (told.type === "config") configure(told);
        else if (told.type === "no_picture") missing();
        return;
      }
      const view = new DataView(data);
      const kind = view.getUint8(0);
      if (kind === JPEG || !decoder || decoder.state !== "configured") return;
      // A decoder that falls behind is worse than a skipped picture: what is late waits for the next key frame.
      if (kind === KEY) decoder.waiting = false;
      else if (decoder.decodeQueueSize > 8) decoder.waiting = true;
      if (decoder.waiting) return;
      const mono = Number(view.getBigUint64(5));
      const timestamp = mono * 1000;
      marks.set(timestamp, takenAt(mono, heard - view.getUint32(1)));
      const unit = { type: kind === KEY ? "key" : "delta", timestamp, data: new Uint8Array(data, HEADER_BYTES) };
      decoder.decode(new EncodedVideoChunk(unit));
    };
  });
}
