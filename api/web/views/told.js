// What officers are told besides the state: what is wrong, worst first; what came of an order that did not do what was
// wanted; and who was behind something.

import { attr, children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { dismiss, give, moves, running } from "../orders.js";
import { may, since, state, trust, until } from "../store.js";
import { askFirst } from "./ask.js";

const REFUSED_MS = 20_000; // how long the notice of a refusal stays
const PURSUED = ["lockdown", "emergency_open"];
export const LOCKS = ["hard_lock", "estop", "soft_lock"];
const MILD = ["battery_low", "clock_untrusted", "mains_lost", "maintenance_due", "slow", "state_lost"]; // they stop nothing
const NOTED = ["estop", "release", "emergency", "edge", "cabinet", "battery_low", "mains_lost"]; // inputs that people must know of
export function whoDid(by) {
  if (!by) return "";
  if (by.type === "person") return by.name || by.id;
  if (has(`by.${by.type}.${by.id}`)) return t(`by.${by.type}.${by.id}`);
  return has(`by.${by.type}`) ? t(`by.${by.type}`) : by.name || by.id;
}
export function alarmWords({ alarm, data }) {
  return alarm === "fault" && has(`code.${data?.why}`) ? t(`code.${data.why}`) : coded("alarm", alarm, coded("code", alarm));
}

/** What an officer must know besides the state, worst first: {tone, words, more}. Alarms are what nobody acknowledged yet. */
export function conditions(gate) {
  const found = [];
  const add = (tone, words, ...more) => found.push({ tone, words, more: more.filter(Boolean) });
  for (const alarm of gate.alarms) {
    const reminded = alarm.reminders > 0 && t("alarms.reminded", { count: alarm.reminders });
    add("alarm", alarmWords(alarm), [t("state.since", { time: moment(alarm.since) }), reminded].filter(Boolean).join(" · "));
  }
  const locked = LOCKS.includes(gate.health);
  const tone = locked && gate.health !== "soft_lock" ? "alarm" : "care";
  if (locked) add(tone, t(`health.${gate.health}`), remedy(gate.health));
  for (const reason of gate.reasons) add(MILD.includes(reason) ? "care" : tone, coded("code", reason), remedy(reason));
  if (gate.processes.keeper?.alive === false) add("alarm", t("code.keeper_down"), remedy("keeper_down"));
  const known = { release: gate.mode === "released", cabinet: gate.alarms.some(({ alarm }) => alarm === "cabinet_open") };
  for (const name of NOTED) if (gate.inputs[name] && !known[name]) add("care", t(`input.${name}`));
  const { camera } = gate.processes;
  if (camera && !camera.alive && !camera.off) add("care", t("camera.down"));
  if (camera?.health?.sight) add("care", coded("reason", camera.health.sight));
  if (gate.inputs.beam && (gate.state === "open" || gate.state === "stopped")) add("care", t("code.beam_blocked"), remedy("beam_blocked"));
  if (!gate.clock_trusted) add("care", t("code.clock_untrusted"), remedy("clock_untrusted"));
  const said = new Set();
  return found.filter(({ words }) => !said.has(words) && said.add(words));
}

const acknowledge = () => trust() === "live" && !running(state.orders.acknowledge) && give("acknowledge");

/** Make the line under the word: what is worst, how much more there is, and Đã nắm tin while an alarm stands. */
export function troubleBox() {
  const words = h("button", { type: "button", class: "trouble-words", onclick: showConditions });
  const taken = h("button", { type: "button", class: "small-button", onclick: acknowledge }, t("command.acknowledge"));
  const element = h("div", { class: "trouble", hidden: true }, words, taken);
  return {
    element,
    draw(belief, told) {
      const past = belief !== "live"; // what was wrong when the gate was last heard of is not mended by silence
      const all = state.gate ? conditions(state.gate) : [];
      const found = all.filter((each) => each.words !== told); // one reason, said once
      show(element, found.length);
      if (!found.length) return;
      const [worst, second] = found;
      const tone = past ? "past" : worst.tone;
      attr(element, "data-tone", tone);
      attr(element, "role", tone === "alarm" ? "alert" : "status");
      const { alarms } = state.gate;
      show(taken, !past && alarms.length && may("acknowledge"));
      text(taken, running(state.orders.acknowledge) ? t(`progress.${state.orders.acknowledge.step}`) : t("command.acknowledge"));
      const both = alarms.length > 1 && second ? [worst.words, second.words] : [worst.words];
      const rest = found.length - both.length;
      const said = both.join("; ") + (rest ? ` ${t("trouble.more", { count: rest })}` : "");
      if (element.dataset.said === tone + said) return;
      element.dataset.said = tone + said;
      children(words, [icon(worst.tone === "alarm" ? "warn" : "note"),
        h("span", {}, h("b", {}, `${t(`trouble.${tone}`)} `), said), icon("next")]);
    },
  };
}
function showConditions() {
  const { gate } = state;
  const rows = conditions(gate).map(({ tone, words, more }) =>
    h("li", { "data-tone": tone }, icon(tone === "alarm" ? "warn" : "note"), h("span", {}, words, more.map((line) => h("small", {}, line)))));
  const deed = (command, look, go) => may(command) && h("button", { type: "button", class: look, onclick: () => { dialog.close(); go(); } }, t(`command.${command}`));
  const dialog = sheet(t("trouble.title"), h("h2", {}, t("trouble.title")), h("ul", { class: "rows" }, rows),
    gate.alarms.length && trust() === "live" && deed("acknowledge", "main-button", acknowledge),
    LOCKS.includes(gate.health) && deed("reset", "plain-button", () => askFirst("reset", () => give("reset"))),
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
}
/** Two short lines for an order that did not do what was wanted: what happened; whether the gate moved, what to do next. */
export function outcome(order) {
  const about = t(`command.${order.command}`);
  if (order.step === "lost") return { title: t("order.lost", { command: about }), next: t(order.command === "stop" ? "order.lost_stop" : "order.lost_next") };
  const code = order.code ?? "unknown";
  const title = coded("code", code, order.problem?.title);
  if (order.step === "refused") {
    const moving = ["opening", "closing"].includes(state.gate?.state); // by another order
    const still = moves(order.command) && !moving;
    return { title, next: `${t(still ? "order.not_moved" : "order.not_done")} ${remedy(code)}`.trim() };
  }
  // Stuck may be a limit that does not let go of a leaf that ran; a relay that did not close moved nothing.
  const moved = !moves(order.command) ? "" : t(!order.moved || code === "no_output" ? "order.not_moved" : code === "stuck" ? "order.unseen" : "order.moved",
    { state: t(`state.${state.gate?.state ?? "unknown"}`) });
  const goesOn = PURSUED.includes(order.command) && state.gate?.mode === order.command; // the mode holds, and the gate tries again
  return { title: t("order.failed", { command: about, why: title }), next: `${moved} ${goesOn ? t("order.goes_on") : remedy(code) || t("order.look")}`.trim() };
}

const remedy = (code) => (has(`remedy.${code}`) ? t(`remedy.${code}`) : "");
export const unwell = (order) => ["refused", "failed", "lost"].includes(order?.step) && !order.cleared;
/** Stopped by a person, or replaced by their newer wish: wanted, so nothing to warn of. */
export const meant = (order) => order.step === "failed" && ["stopped", "superseded"].includes(order.code);
export function noticeBox() {
  const words = h("div", { role: "alert", class: "notice-words" });
  const away = h("button", { type: "button", class: "icon-button", "aria-label": t("do.dismiss") }, icon("cross"));
  const element = h("div", { class: "notice", hidden: true }, icon("warn"), words, away);
  let shown = null;
  away.addEventListener("click", () => shown && dismiss(shown.slot));
  return {
    element,
    title: () => (element.hidden ? "" : words.firstChild?.textContent),
    draw() {
      const [slot, order] = Object.entries(state.orders).sort(([, a], [, b]) => since(a.begun) - since(b.begun))[0] ?? [];
      const due = unwell(order) && !meant(order) && since(order.ended) < REFUSED_MS;
      show(element, due);
      if (!due || shown?.order === order) return;
      shown = { slot, order };
      const { title, next } = outcome(order);
      children(words, [h("b", {}, title), h("span", {}, next)]);
    },
  };
}
/** Make the line that stands while the siren sounds; one tap silences it. DỪNG ends the warning before a close. */
export function sirenLine() {
  const note = h("small", {});
  const off = h("button", { type: "button", class: "small-button", onclick: () => running(state.orders.siren) || give("siren_off") });
  const element = h("div", { class: "siren-line", hidden: true }, icon("siren"),
    h("span", { role: "status" }, h("b", {}, t("siren.sounds")), note), off);
  return {
    element,
    draw(belief) {
      const sounds = belief === "live" && state.gate.outputs.siren;
      show(element, sounds);
      if (!sounds) return;
      const warns = until(state.gate.warning_until_mono_ms) > 0;
      text(note, t(warns ? "siren.warns" : "siren.ends"));
      show(off, may("siren_off") && !warns);
      text(off, running(state.orders.siren) ? t(`progress.${state.orders.siren.step}`) : t("command.siren_off"));
    },
  };
}
