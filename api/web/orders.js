// One gesture, one order. An Idempotency-Key is made per gesture and kept while the network is tried again, so the gate
// moves once. Nothing here is optimistic: a step is taken only when the gate said so (202, stream, GET).

import { get, send } from "./api.js";
import { change, mark, since, state, watch } from "./store.js";
import { onFact } from "./stream.js";

export const STEPS = ["sending", "accepted", "energised", "confirmed"];
const ENDED = ["confirmed", "failed", "refused", "lost"];
const TRY_FOR_MS = 7000; // an order that could not be handed over by then is given up: late is worse than never
const ASK_EVERY_MS = 2000;

const MODES = ["hold_open", "lockdown", "unlock", "emergency_open", "normal"];
const OPENING = ["open", "hold_open", "emergency_open"];
const CLOSING = ["close", "lockdown"];

/** Where an order's progress is shown: siren_on and siren_off share a place, so do all that change the mode. */
export const slotOf = (command) => (MODES.includes(command) ? "mode" : command.replace(/_(on|off)$/, ""));
export const moves = (command) => OPENING.includes(command) || CLOSING.includes(command);
export const running = (order) => Boolean(order) && !ENDED.includes(order.step);

/** Give an order for this gesture; resolves when it was accepted, refused or given up. `sighted`: what the officer answered
 *  when asked whether they see the gate. Unasked, nothing is said, and the server goes by the frames it delivered; false
 *  must reach it, or a frame that was delivered, but not seen, would spare the warning. `minutes`: how long to hold open. */
export async function give(command, { sighted, minutes } = {}) {
  const order = { command, key: newKey(), step: "sending", begun: mark(), id: null, problem: null, code: null };
  const body = { command, sighted, minutes }; // what is undefined is not sent
  // What the officer looked at when they decided; a stop never depends on it.
  if ((command === "open" || command === "close") && state.gate) body.sequence = state.gate.sequence;
  put(order);
  try {
    const answer = await deliver(order, body);
    put({ ...order, step: "accepted", id: answer.command_id });
    believe(state.gate?.command);
    ask(order.key);
  } catch (problem) {
    const met = { ...state.gate, beam: state.gate?.inputs.beam };
    put({ ...order, step: problem.unanswered ? "lost" : "refused", problem, code: problem.code, met });
  }
  return state.orders[slotOf(command)];
}

// 128 random bits. Not crypto.randomUUID: that is missing where the page is opened over plain HTTP on a local network.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function deliver(order, body) {
  for (let pause = 300; ; pause *= 2) {
    try {
      const timeoutMs = Math.max(1000, Math.min(3000, TRY_FOR_MS - since(order.begun)));
      return await send("POST", "/gate/commands", body, { headers: { "Idempotency-Key": order.key }, timeoutMs });
    } catch (problem) {
      if (!(problem.unanswered && since(order.begun) + pause < TRY_FOR_MS)) throw problem;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}

function put(order) {
  const slot = slotOf(order.command);
  const present = state.orders[slot];
  if (present && present.key !== order.key && since(present.begun) < since(order.begun)) return; // a newer gesture is shown
  const ended = order.ended ?? (ENDED.includes(order.step) ? mark() : null);
  change({ orders: { ...state.orders, [slot]: { ...order, ended } } });
}

/** Why a refusal no longer holds is seen in the snapshot: then it is not spoken of in the present tense any more. */
function review(order, gate) {
  const { met } = order;
  if (order.code === "beam_blocked" && gate.inputs.beam) {
    if (!met.beam) put({ ...order, met: { ...met, beam: true } });
    return;
  }
  const moved = gate.state !== met.state;
  const healed = met.health !== gate.health;
  const freed = met.mode !== gate.mode;
  const gone = { beam_blocked: met.beam || moved, already_there: moved, unknown_position: moved, unsighted: moved,
    hard_lock: healed, soft_lock: healed, estop: healed, edge: healed,
    locked_down: freed, emergency: freed, released: freed, maintenance: freed }[order.code];
  if (gone) put({ ...order, cleared: true });
}
export function dismiss(slot) {
  const { [slot]: _, ...orders } = state.orders;
  change({ orders });
}

// Three sources tell the progress: the snapshot's newest command, facts as they happen, and asking. They may arrive in
// any order; a step is never taken back.
function advance(id, step, code = null) {
  const order = Object.values(state.orders).find((candidate) => candidate.id === id);
  if (!order || !running(order)) return;
  if (step !== "failed" && STEPS.indexOf(step) <= STEPS.indexOf(order.step)) return;
  put({ ...order, step, code, moved: order.moved || step === "energised" });
}

function believe(command) {
  if (command) advance(command.command_id, command.status, command.code);
}

let seen = null;
watch(({ gate }) => {
  if (gate === seen) return;
  seen = gate;
  believe(gate?.command);
  // The snapshot tells of the newest command alone: what it replaced (a stop, another phone) is asked after.
  for (const order of Object.values(state.orders)) {
    if (order.id && running(order) && gate && order.id !== gate.command?.command_id) inquire(order);
    if (order.step === "refused" && !order.cleared && gate) review(order, gate);
  }
});

onFact((fact) => {
  const id = fact.data?.command_id;
  if (!id) return;
  if (fact.kind === "drive_energised") advance(id, "energised");
  // A close that met something arrives open: that is an end, but not the one that was ordered.
  if (fact.kind === "arrived") {
    const order = Object.values(state.orders).find((each) => each.id === id);
    if (order && (fact.data.state === "open" ? OPENING : CLOSING).includes(order.command)) advance(id, "confirmed");
  }
});
async function ask(key) {
  const mine = () => Object.values(state.orders).find((order) => order.key === key && running(order));
  while (mine()) {
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    if (mine()) await inquire(mine());
  }
}

async function inquire({ id }) {
  try {
    const told = await get(`/gate/commands/${id}`);
    advance(id, told.status, told.code);
  } catch (problem) {
    if (problem.status === 404) advance(id, "failed", problem.code); // the gate process was restarted meanwhile
  }
}
