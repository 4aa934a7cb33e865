// What officers are told besides the state: what is wrong, worst first; what came of an order that did not do what was
// wanted; and who was behind something.

import { attr, children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { dismiss, give, running } from "../orders.js";
import { may, since, state, until } from "../store.js";

const REFUSED_MS = 20_000; // how long the notice of a refusal stays
const ASKED_MS = 15_000;
const TOLD_OF = ["open", "close", "stop", "siren"];

/** Who is behind it, in a person's words. */
export function whoDid(by) {
  if (!by) return "";
  if (by.type === "person") return by.name || by.id;
  if (has(`by.${by.type}.${by.id}`)) return t(`by.${by.type}.${by.id}`);
  return has(`by.${by.type}`) ? t(`by.${by.type}`) : by.name || by.id;
}

// --- what is wrong ---------------------------------------------------------------------------------------------------

/** What an officer must know besides the state, worst first: {tone, words, since}. */
export function conditions(gate) {
  const found = [];
  const add = (tone, words, from) => found.push({ tone, words, since: from });
  for (const alarm of gate.alarms) add("alarm", coded("alarm", alarm.code, coded("code", alarm.code)), alarm.since);
  if (gate.health === "hard_lock") add("alarm", t("health.hard_lock"));
  for (const reason of gate.reasons) add(gate.health === "hard_lock" ? "alarm" : "care", coded("code", reason));
  if (gate.processes.keeper?.alive === false) add("alarm", t("code.keeper_down"));
  const { camera } = gate.processes;
  if (camera && !camera.alive && !camera.off) add("care", t("camera.down"));
  if (gate.inputs.beam && (gate.state === "open" || gate.state === "stopped")) add("care", t("code.beam_blocked"));
  if (!gate.clock_trusted) add("care", t("code.clock_untrusted"));
  const said = new Set();
  return found.filter(({ words }) => !said.has(words) && said.add(words));
}

/** Draw the line under the word. `told`: what the notice says already. */
export function drawTrouble(box, belief, told) {
  const all = state.gate && belief === "live" ? conditions(state.gate) : [];
  const found = all.filter(({ words }) => words !== told); // one reason, said once
  show(box, found.length);
  if (!found.length) return;
  const [worst] = found;
  attr(box, "data-tone", worst.tone);
  const said = `${worst.words}${found.length > 1 ? ` ${t("trouble.more", { count: found.length - 1 })}` : ""}`;
  if (box.dataset.said === said) return;
  box.dataset.said = said;
  children(box, [icon(worst.tone === "alarm" ? "warn" : "note"),
    h("span", { role: worst.tone === "alarm" ? "alert" : "status" },
      h("b", {}, `${t(`trouble.${worst.tone}`)} `), said), icon("next")]);
}

/** Open the list of all of it. */
export function showConditions() {
  const rows = conditions(state.gate).map(({ tone, words, since: from }) =>
    h("li", { "data-tone": tone }, icon(tone === "alarm" ? "warn" : "note"),
      h("span", {}, words, from && h("small", {}, t("state.since", { time: moment(from) })))));
  const dialog = sheet(t("trouble.title"), h("h2", {}, t("trouble.title")), h("ul", { class: "rows" }, rows),
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
}

// --- what came of an order -------------------------------------------------------------------------------------------

/** Two short lines for an order that did not do what was wanted: what happened; whether the gate moved, what to do next. */
export function outcome(order) {
  const about = t(`command.${order.command}`);
  if (order.step === "lost") return { title: t("order.lost", { command: about }), next: t(order.command === "stop" ? "order.lost_stop" : "order.lost_next") };
  const code = order.code ?? "unknown";
  const title = coded("code", code, order.problem?.title);
  if (order.step === "refused") {
    const moving = ["opening", "closing"].includes(state.gate?.state); // by another order
    const still = ["open", "close"].includes(order.command) && !moving;
    return { title, next: `${t(still ? "order.not_moved" : "order.not_done")} ${remedy(code)}`.trim() };
  }
  return { title: t("order.failed", { command: about, why: title }), next: remedy(code) || t("order.look") };
}

const remedy = (code) => (has(`remedy.${code}`) ? t(`remedy.${code}`) : "");
/** Tell whether an order ended otherwise than wanted. */
export const unwell = (order) => ["refused", "failed", "lost"].includes(order?.step) && !order.cleared;
/** Stopped by a person, or replaced by their newer wish: wanted, so nothing to warn of. */
export const meant = (order) => order.step === "failed" && ["stopped", "superseded"].includes(order.code);

/** Make the notice of the newest order that failed. */
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
      const [slot, order] = Object.entries(state.orders)
        .filter(([name, each]) => TOLD_OF.includes(name) && unwell(each) && !meant(each))
        .sort(([, a], [, b]) => since(a.begun) - since(b.begun))[0] ?? [];
      const newer = Object.values(state.orders).some((each) => order && since(each.begun) < since(order.begun) && each.command !== "light");
      const due = order && !newer && since(order.ended) < REFUSED_MS;
      show(element, due);
      if (!due || shown?.order === order) return;
      shown = { slot, order };
      const { title, next } = outcome(order);
      children(words, [h("b", {}, title), h("span", {}, next)]);
    },
  };
}

// --- a question before it is done, and the siren while it sounds -------------------------------------------------------

/** Ask before `command` is carried out. */
export function askFirst(command, go) {
  const dialog = sheet(t(`ask.${command}`), h("h2", {}, t(`ask.${command}`)),
    has(`ask.${command}.more`) && h("p", {}, t(`ask.${command}.more`)),
    h("button", { type: "button", class: "main-button", onclick: () => { dialog.close(); go(); } }, t(`ask.${command}.yes`)),
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.cancel")));
  setTimeout(() => dialog.close(), ASKED_MS); // nobody answered: it may be a pocket that asked
}

/** Make the line that stands while the siren sounds; one tap silences it. The warning before a close is ended by DỪNG. */
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
