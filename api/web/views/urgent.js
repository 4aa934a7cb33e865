// Khẩn cấp: one tap opens the sheet with what helps at once. Switches show what the outputs are, not what was asked.

import { attr, children, h, sheet, show, text } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { give, running } from "../orders.js";
import { may, since, state, trust, watch } from "../store.js";
import { stopButton } from "./home.js";
import { askFirst, outcome } from "./told.js";

const TOLD_MS = 12_000;

/** Open the sheet; it follows the gate until it is closed. */
export function urgent() {
  const stop = stopButton();
  const switches = [toggle("siren"), toggle("light")];
  const reset = resetRow();
  const told = h("p", { class: "notice-words", role: "alert" });
  const dialog = sheet(t("nav.urgent"), h("h2", {}, t("nav.urgent")), stop.element,
    switches.map((each) => each.element), reset.element, told,
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
  dialog.classList.add("urgent");
  const draw = () => {
    const belief = trust();
    stop.draw(belief);
    for (const each of [...switches, reset]) each.draw(belief);
    drawTold(told);
  };
  const end = watch(draw);
  dialog.addEventListener("close", end);
  draw();
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

/** A safety lock is lifted by a commander who has been at the cabinet; lifting it moves nothing. */
function resetRow() {
  const note = h("small", {});
  const button = h("button", { type: "button", class: "plain-button", onclick: () => may("reset") && trust() === "live" && give("reset") }, icon("reset"), t("command.reset"));
  const element = h("div", { class: "reset" }, button, note);
  return {
    element,
    draw(belief) {
      show(element, state.gate?.health === "hard_lock");
      attr(button, "aria-disabled", (!may("reset") || belief !== "live") && "true");
      text(note, may("reset") ? t("reset.note") : t("reset.no_right"));
    },
  };
}

function drawTold(place) {
  const order = ["siren", "light", "reset", "stop"].map((slot) => state.orders[slot])
    .filter((each) => each?.ended && each.step !== "confirmed" && since(each.ended) < TOLD_MS)
    .sort((a, b) => since(a.begun) - since(b.begun))[0];
  show(place, order);
  if (!order) return children(place, []);
  const { title, next } = outcome(order);
  if (place.dataset.key === order.key) return null;
  place.dataset.key = order.key;
  return children(place, [h("b", {}, title), h("span", {}, next)]);
}
