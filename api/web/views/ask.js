// Questions before something is done: is it meant, is the gate in sight, for how long. Nobody's answer is taken for yes, and
// a pocket's neither: a finger has to hold what says yes.

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
const HELD_MS = 600;

/** Make the button that says yes. A finger holds it and lets go on it; a mouse, a key and a screen reader, which are in no
 *  pocket, press it. How long it was held is told by the touches themselves: a page that lags takes none for longer. */
export function firm(words, go, look = "main-button") {
  let begun = 0;
  let held = null;
  const release = () => {
    clearTimeout(held);
    attr(button, "data-held", false);
  };
  const button = h("button", { type: "button", class: `${look} firm`, "aria-description": t("ask.hold"),
    ontouchstart: ({ timeStamp }) => {
      begun = timeStamp;
      attr(button, "data-held", true);
      held = setTimeout(() => navigator.vibrate?.(25), HELD_MS);
    },
    ontouchend: (event) => {
      release();
      if (!event.cancelable) return; // it became a scroll
      event.preventDefault(); // or what lies below a sheet that has just closed would be clicked
      const [{ clientX, clientY }] = event.changedTouches;
      if (event.timeStamp - begun >= HELD_MS && button.contains(document.elementFromPoint(clientX, clientY))) go();
    },
    ontouchcancel: release,
    onkeydown: (event) => event.repeat && event.preventDefault(), // held since before the question was asked
    onclick: ({ pointerType }) => pointerType !== "touch" && go() },
  h("span", {}, words), h("small", { "aria-hidden": "true" }, t("ask.hold")));
  return button;
}
export function askFirst(command, go) {
  const dialog = sheet(t(`ask.${command}`), h("h2", {}, t(`ask.${command}`)),
    has(`ask.${command}.more`) && h("p", {}, t(`ask.${command}.more`)),
    firm(t(`ask.${command}.yes`), () => { dialog.close(); go(); }), cancel(() => dialog));
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
    firm(t("sight.yes"), answer(true)), firm(t("sight.no"), answer(false), "plain-button"),
    h("p", { class: "fine" }, t("sight.warning")), cancel(() => dialog));
  dialog.classList.add("sight"); // which leaves the picture in sight
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
    firm(t("hold.yes"), done), cancel(() => dialog));
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
