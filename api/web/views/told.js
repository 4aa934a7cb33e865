// What officers are told besides the state: what is wrong, worst first; what came of an order that did not do what was
// wanted; and who was behind something.

import { attr, children, h, sheet, show } from "../dom.js";
import { moment } from "../format.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { dismiss } from "../orders.js";
import { since, state } from "../store.js";

const REFUSED_MS = 20_000; // how long the notice of a refusal stays

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
    return { title, next: `${t(moving ? "order.not_done" : "order.not_moved")} ${remedy(code)}`.trim() };
  }
  return { title: t("order.failed", { command: about, why: title }), next: remedy(code) || t("order.look") };
}

const remedy = (code) => (has(`remedy.${code}`) ? t(`remedy.${code}`) : "");
/** Tell whether an order ended otherwise than wanted. */
export const unwell = (order) => ["refused", "failed", "lost"].includes(order?.step);
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
        .filter(([name, each]) => ["open", "close", "stop"].includes(name) && unwell(each) && !meant(each))
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
