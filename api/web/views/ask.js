// Questions before something is done: is it meant, is the gate in sight, for how long. Nobody's answer is taken for yes.

import { attr, h, segments, sheet, text } from "../dom.js";
import { clock, duration } from "../format.js";
import { has, t } from "../i18n.js";
import { give } from "../orders.js";
import { pictureAge } from "../picture.js";
import { state } from "../store.js";

export const FRESH_MS = 2000; // an older picture is greyed with its age across, and does not do for a close without a question
const ASKED_MS = 15_000; // nobody answered: it may be a pocket that asked
const HOLDS = [15, 30, 60, 120];
const LONGEST_HOLD = 720;
export function askFirst(command, go) {
  const dialog = sheet(t(`ask.${command}`), h("h2", {}, t(`ask.${command}`)),
    has(`ask.${command}.more`) && h("p", {}, t(`ask.${command}.more`)),
    h("button", { type: "button", class: "main-button", onclick: () => { dialog.close(); go(); } }, t(`ask.${command}.yes`)),
    cancel(() => dialog));
  setTimeout(() => dialog.close(), ASKED_MS);
}

/** Give an order that closes: straight away where a fresh picture is on the screen; else the officer says whether they see
 *  the gate, or everybody there is warned for longer. `question`: ask at least whether it is meant. */
export function closing(command, question = false) {
  const age = pictureAge();
  const there = state.gate?.state === "closed" && state.gate.evidence === "limit"; // a lockdown that has nothing to close
  if (age > FRESH_MS && !there) askSight(command, age);
  else if (question) askFirst(command, () => go(command));
  else go(command);
}

async function go(command, sighted) {
  const order = await give(command, { sighted });
  if (order?.code === "unsighted" && order.step === "refused" && sighted === undefined) askSight(command, Infinity);
}

function askSight(command, age) {
  const why = age === Infinity ? t("sight.none") : t("sight.old", { age: duration(age) });
  const answer = (sighted) => () => {
    dialog.close();
    go(command, sighted);
  };
  const dialog = sheet(t("sight.title"), h("h2", {}, t("sight.title")), h("p", {}, why),
    command === "lockdown" && h("p", {}, t("ask.lockdown.more")),
    h("button", { type: "button", class: "main-button", onclick: answer(true) }, t("sight.yes")),
    h("button", { type: "button", class: "plain-button", onclick: answer(false) }, t("sight.no")),
    h("p", { class: "fine" }, t("sight.warning")), cancel(() => dialog));
}
export function askHold() {
  const note = h("p", { class: "hold-until", role: "status" });
  const input = h("input", { type: "number", inputmode: "numeric", min: 1, max: LONGEST_HOLD, step: 1, value: 60, oninput: draw });
  const choices = segments(HOLDS.map((minutes) => [minutes, String(minutes)]), (minutes) => {
    input.value = minutes;
    draw();
  });
  const dialog = sheet(t("hold.title"), h("h2", {}, t("hold.title")), choices.element,
    h("label", { class: "field" }, t("hold.minutes"), input), note, h("p", { class: "fine" }, t("hold.lead")),
    h("button", { type: "button", class: "main-button", onclick: done }, t("hold.yes")), cancel(() => dialog));
  const good = () => Number.isInteger(input.valueAsNumber) && input.valueAsNumber >= 1 && input.valueAsNumber <= LONGEST_HOLD;

  function draw() {
    const minutes = input.valueAsNumber;
    choices.draw(minutes);
    attr(note, "data-bad", !good());
    text(note, good() ? t("hold.until", { time: clock(Date.now() + minutes * 60_000) }) : t("hold.bad"));
  }
  function done() {
    if (!good()) return input.focus();
    const minutes = input.valueAsNumber;
    dialog.close();
    return give("hold_open", { minutes });
  }
  draw();
}

const cancel = (dialog) => h("button", { type: "button", class: "plain-button", onclick: () => dialog().close() }, t("do.cancel"));
