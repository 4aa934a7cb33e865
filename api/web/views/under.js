// What the views below Thêm share: the way back, the line that says why nothing is here yet, and changes that need a proof.

import { attr, h, show, text } from "../dom.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { mark, since, trust } from "../store.js";
import { proven, prove } from "./signin.js";

const RETRY_MS = 3000;

/** Make the element of a view: the way back, its name, its parts. */
export function under(key, ...content) {
  return h("div", { class: "more under" }, h("header", { class: "under-head" },
    h("a", { class: "icon-button", href: "#them", "aria-label": t("do.back") }, icon("previous")), h("h2", {}, t(key))), content);
}

/** Make what stands where something is not there yet: loading, no network, no right, an error, and the way to try again.
 *  `fill()` gets it and shows it; `load()` begins; `draw()` tries again by itself when the gate is heard again, and each
 *  `everyMs`. */
export function loader(fill, everyMs = Infinity) {
  const [note, say] = sayer("list-note");
  const again = button("plain-button", t("do.retry"), load);
  let [busy, there, problem, tried] = [false, false, null, null];
  async function load() {
    if (busy) return;
    [busy, problem, tried] = [true, null, mark()];
    draw();
    await fill().then(() => (there = true), (caught) => (problem = caught));
    busy = false;
    draw();
  }
  function draw() {
    if (!busy && tried && trust() === "live" && since(tried) > (problem?.unanswered ? RETRY_MS : everyMs)) return load();
    say(problem?.unanswered ? t("view.offline") : problem ? failure(problem) : busy && !there ? t("view.loading") : "");
    show(again, problem && !busy);
  }
  return { element: h("div", { class: "loader" }, note, again), load, draw };
}

/** A failure in one sentence. */
export function failure(problem) {
  if (problem.unanswered) return t("view.unsent");
  return has(`problem.${problem.code}`) ? t(`problem.${problem.code}`) : coded("code", problem.code, t("error.sentence", { code: problem.code }));
}

/** Do something; what asked for it, the topmost sheet or the view, shows meanwhile that it waits. */
export async function waiting(act) {
  const asking = [...document.querySelectorAll(".under, .sheet-body")].at(-1);
  attr(asking, "aria-busy", "true");
  return act().finally(() => attr(asking, "aria-busy", null));
}

let doing = false; // a second tap is no second change
/** Do a change that needs a proof of who holds the phone: asked for before, and once more where the gate wants it. */
export function deed(act, say) {
  const go = () => {
    doing = true;
    return waiting(act).catch((problem) => (problem.code === "step_up_required" ? prove(go) : say(failure(problem)))).finally(() => (doing = false));
  };
  return doing ? null : proven(null, go);
}

/** Make a line that is there while it says something. */
export function sayer(look = "form-error") {
  const note = h("p", { class: look, role: look === "form-error" ? "alert" : "status", hidden: true });
  return [note, (words) => {
    text(note, words);
    show(note, words);
  }];
}

export const button = (look, words, onclick, label) => h("button", { type: "button", class: look, "aria-label": label, onclick }, words);
/** The last button of a sheet: it closes it. */
export const back = (words = "do.back", look = "plain-button") => button(look, t(words), ({ target }) => target.closest("dialog").close());
export const row = (sign, words, small, tone, act) => h("li", { "data-tone": tone }, sign, h("span", {}, words, small && h("small", {}, small)), act);

/** A labelled input; `value()` is what stands in it. */
export function field(key, props) {
  const input = h("input", { type: "text", autocomplete: "off", ...props });
  const element = h("label", { class: "field" }, h("span", {}, t(key)), input);
  return { element, input, value: () => input.value.trim() };
}

/** Chips of which several may hold. `value()`: those that do. */
export function chips(label, entries, given, changed = () => {}) {
  const held = new Set(given);
  const made = entries.map(([value, words]) => h("button", { type: "button", class: "chip", "aria-pressed": String(held.has(value)), onclick: ({ currentTarget }) => {
    held.delete(value) || held.add(value);
    currentTarget.setAttribute("aria-pressed", held.has(value));
    changed();
  } }, words));
  return { element: h("div", { class: "chips", role: "group", "aria-label": label }, made), value: () => entries.map(([value]) => value).filter((value) => held.has(value)) };
}
