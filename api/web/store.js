// The one state of the page. Views read it; stream, orders and sign-in write it; everybody is told once per change.

/** Milliseconds since a mark. A phone's performance clock stops while it sleeps and its wall clock may jump: the longer
 *  of the two is the safe answer to "how old is this". */
export const mark = () => ({ tick: performance.now(), wall: Date.now() });
export const since = (from) => Math.max(performance.now() - from.tick, Date.now() - from.wall);

export const STALE_MS = 15_000;

export const state = {
  me: undefined, // undefined: not asked yet · null: signed out · what GET /session says
  farewell: null, // why the sign-in is shown: a key of the words
  site: { name: "", timezone: "Asia/Ho_Chi_Minh", language: "vi" },
  gate: null, // the newest snapshot, as the gate published it
  monoAt: null, // page clock minus the gate's monotonic clock, in ms
  link: "connecting", // connecting · open · lost
  heard: null, // mark of the last sign of life
  heardAt: null, // and its wall time, for people
  cut: null, // mark of the moment when the phone said that its network went
  gateAnswers: true, // the API answers, but does the gate process behind it?
  orders: {}, // slot → the newest gesture of this page (orders.js)
  route: "home",
};

const readers = new Set();
let waiting = false;
export function watch(reader) {
  readers.add(reader);
  return () => readers.delete(reader);
}
export function change(changes) {
  Object.assign(state, changes);
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    for (const reader of [...readers]) reader(state);
  });
}

/** How far what is shown may be believed: live · waiting (nothing yet) · silent (the gate process) · stale · offline. */
export function trust() {
  if (!state.heard) return state.link === "lost" ? "offline" : "waiting";
  // What was heard after the phone said "offline" proves it wrong: some never say "online" (no internet, but the gate's Wi-Fi).
  if (state.link === "lost" || (state.cut && state.cut.tick > state.heard.tick)) return "offline";
  if (since(state.heard) > STALE_MS) return "stale";
  if (!state.gateAnswers) return "silent";
  return state.gate ? "live" : "waiting";
}

const NEEDS = { open: "move", close: "move", hold_open: "move", lockdown: "mode", unlock: "mode", emergency_open: "mode", normal: "mode" };
export function may(command) {
  const base = command.replace(/_(on|off)$/, "");
  return base === "stop" || (state.me?.permissions ?? []).includes(NEEDS[base] ?? base);
}

/** Milliseconds until the gate's monotonic time `at`; null where there is nothing to wait for. */
export function until(at) {
  return at === null || at === undefined || state.monoAt === null ? null : at + state.monoAt - performance.now();
}
