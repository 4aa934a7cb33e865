// Khẩn cấp: one tap opens the sheet with what helps at once, and whom to call. What stands in it is what the gate says of
// itself, not what was asked; what this person may not do is not offered, and said.

import { attr, children, h, sheet, show, text } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { give, running, slotOf } from "../orders.js";
import { may, state, trust, watch } from "../store.js";
import { askFirst, askHold, closing } from "./ask.js";
import { stopButton } from "./home.js";
import { modeWords } from "./modes.js";
import { proven } from "./signin.js";
import { LOCKS, noticeBox } from "./told.js";

const SIGNS = { lockdown: "lock", unlock: "lock", emergency_open: "urgent", normal: "check", hold_open: "opened", reset: "reset" };
export function urgent() {
  const stop = stopButton();
  const mode = h("p", { class: "mode-now", role: "status" });
  const modes = PLACES.map(modeButton);
  const switches = [toggle("siren"), toggle("light")];
  const barred = h("p", { class: "fine" }, t("mode.no_right"));
  const told = noticeBox();
  const dialog = sheet(t("nav.urgent"), h("div", { class: "sheet-head" }, h("h2", {}, t("nav.urgent")), mode), stop.element,
    told.element, h("div", { class: "modes" }, modes.map((each) => each.element)), barred,
    h("div", { class: "switches" }, switches.map((each) => each.element)), calls(),
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
  dialog.classList.add("urgent");
  const draw = () => {
    const belief = trust();
    stop.draw(belief);
    text(mode, belief === "live" ? t("mode.label", { mode: modeWords(state.gate) }) : t(`trust.${belief}`));
    show(barred, !may("lockdown"));
    for (const each of [...modes, ...switches]) each.draw(belief);
    told.draw();
  };
  const end = watch(draw);
  dialog.addEventListener("close", end);
  draw();
}

/** Whom the site is configured to call: these work without a network too, by the phone's own line. */
function calls() {
  const { contacts = [] } = state.site;
  return contacts.length > 0 && h("div", { class: "modes", role: "group", "aria-label": t("urgent.call") }, contacts.map(({ name, number }) =>
    h("a", { class: "mode-button call", href: `tel:${number.replace(/[ .-]/g, "")}` }, icon("call"), h("span", {}, t("urgent.call_whom", { name }), h("small", {}, number)))));
}

// Each place of the grid holds the command that makes sense as the gate is; null leaves it empty. A reset is for a commander
// who has been at the cabinet.
const PLACES = [
  ({ mode }) => (mode === "lockdown" ? "unlock" : "lockdown"),
  ({ mode }) => (mode === "emergency_open" ? null : "emergency_open"),
  ({ mode }) => (mode === "emergency_open" || mode === "hold_open" ? "normal" : null),
  ({ mode }) => (mode === "normal" || mode === "hold_open" ? "hold_open" : null),
  ({ health }) => (LOCKS.includes(health) ? "reset" : null),
];

function modeButton(choose) {
  const note = h("small", {});
  const label = h("span", {});
  const sign = h("span", {});
  const element = h("button", { type: "button", class: "mode-button", onclick: () => ready() && proven(command, () => ready() && press(command)) },
    sign, h("span", {}, label, note));
  let command = null;
  const ready = () => trust() === "live" && state.orders[slotOf(command)]?.step !== "sending"; // a newer wish need not wait for the leaf
  return {
    element,
    draw(belief) {
      const wanted = choose(state.gate ?? { mode: "normal" });
      show(element, wanted && may(wanted));
      if (!wanted) return;
      if (wanted !== command) {
        command = wanted;
        attr(element, "data-command", command);
        children(sign, [icon(SIGNS[command])]);
        text(label, t(`command.${command}`));
      }
      const order = state.orders[slotOf(command)];
      const mine = running(order) && order.command === command;
      attr(element, "aria-disabled", !ready() && "true");
      text(note, belief !== "live" ? t(`trust.${belief}_short`) : mine ? t(`progress.${order.step}`) : "");
    },
  };
}

/** A lockdown closes: who gives it has seen the gate, or everybody there is warned. None of these is done by one tap. */
function press(command) {
  if (command === "hold_open") return askHold();
  if (command === "lockdown") return closing(command, true);
  return askFirst(command, () => give(command));
}

function toggle(name) {
  const status = h("span", { class: "switch-note" });
  const element = h("button", { type: "button", class: "switch", role: "switch",
    onclick: () => ready() && turn() },
  icon(name), h("span", { class: "switch-words" }, h("span", {}, t(`switch.${name}`)), status), h("span", { class: "switch-track", "aria-hidden": "true" }));
  const turn = () => {
    if (state.gate.outputs[name]) return give(`${name}_off`);
    // The whole village hears the siren: a tap in passing must not sound it.
    return name === "siren" ? askFirst("siren_on", () => ready() && give("siren_on")) : give(`${name}_on`);
  };
  const ready = () => trust() === "live" && may(`${name}_on`) && !running(state.orders[name]);
  return {
    element,
    draw(belief) {
      const on = Boolean(state.gate?.outputs?.[name]);
      const allowed = may(`${name}_on`);
      attr(element, "aria-checked", String(belief === "live" && on));
      attr(element, "aria-disabled", !ready() && "true");
      text(status, !allowed ? t("code.not_permitted") : belief !== "live" ? t(`trust.${belief}_short`)
        : running(state.orders[name]) ? t(`progress.${state.orders[name].step}`) : t(on ? "switch.on" : "switch.off"));
    },
  };
}
