// What is true of the gate beyond where the leaf is: its mode and until when, and what will close it next.

import { attr, children, h, show, text } from "../dom.js";
import { clock, duration, moment } from "../format.js";
import { has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { until } from "../store.js";
import { whoDid } from "./told.js";

const SIGNS = { hold_open: "opened", lockdown: "lock", emergency_open: "urgent", maintenance: "tool", released: "hand" };
const FAR_MS = 600_000; // what is further off is told by the clock
export function modeWords({ mode, mode_until: end }) {
  const words = t(`mode.${mode}`);
  return end ? t("mode.until", { mode: words, time: moment(end) }) : words;
}
export function modeLine() {
  const words = h("b", {});
  const who = h("span", {});
  const element = h("p", { class: "mode", hidden: true, role: "status" });
  return {
    element,
    draw(gate) {
      const special = gate && gate.mode !== "normal";
      show(element, special);
      if (!special) return;
      if (element.dataset.mode !== gate.mode) children(element, [icon(SIGNS[gate.mode] ?? "note"), words, who]);
      attr(element, "data-mode", gate.mode);
      text(words, modeWords(gate));
      text(who, whoDid(gate.mode_by));
    },
  };
}
export function closingWords(gate) {
  const { closing } = gate;
  if (!closing || gate.state === "closed" || gate.state === "closing") return "";
  const left = until(closing.due_mono_ms);
  const when = left === null ? t("closing.clear") : left < 500 ? t("closing.soon")
    : left > FAR_MS ? t("closing.at", { time: clock(Date.now() + left) }) : t("closing.in", { duration: duration(Math.ceil(left / 1000) * 1000) });
  return t(has(`closing.${closing.why}`) ? `closing.${closing.why}` : "closing.auto_close", { when });
}

/** What stands in the way of `command` as things are, or what it would end, in the few words that a slider has room for. */
export function hindrance(command, gate) {
  if (gate.health === "estop" || gate.health === "hard_lock") return t(`health.${gate.health}`);
  if (gate.mode === "released" || gate.mode === "maintenance") return t(`mode.${gate.mode}`);
  if (command === "open") return gate.mode === "lockdown" ? t("slide.locked") : "";
  if (gate.mode === "emergency_open") return t("slide.emergency");
  if (gate.inputs.beam) return t("slide.blocked");
  return gate.mode === "hold_open" ? t("slide.held") : "";
}
