// The simulated yard, in the words of `antt-gate yard`; what is shown as on is what the yard says.

import { get, send } from "../api.js";
import { attr, h, segments, show, text } from "../dom.js";
import { number } from "../format.js";
import { coded, t } from "../i18n.js";
import { state, trust } from "../store.js";

const EVERY_MS = 1000;
const named = (words) => words.map((word) => [word, t(`yard.${word}`)]);
const KINDS = ["car", "motorbike", "person", "dog"];
// The subject as it is ordered, then its conditions, the harmless one first: else off and on.
const GROUPS = {
  sensors: "beam: clear blocked stuck, limit open: ok stuck missing bouncing swapped, limit closed: ok stuck missing bouncing, edge: ok press",
  drives: "motor: ok dead, relay open: ok welded dead, relay close: ok welded dead, relay stop: ok welded dead, relay step: ok welded dead",
  supply: "power: back cut, battery, input mains_lost, input battery_low",
  box: "release, cabinet: closed open, input estop, input emergency, input maintenance, input exit_loop, input open_button, input close_button, input stop_button",
  weather: "night, rain, insects, headlights, wind",
  eye: "infrared: ok dead, crate, hand, torch, shake, knocked, blur, freeze",
};
export function yard() {
  let truth = null;
  let way = "in";
  let asking = false;
  const said = h("p", { class: "yard-said" });
  const bar = h("div", { class: "yard-leaf", "aria-hidden": "true" }, h("i"));
  const note = h("p", { class: "form-error", role: "alert", hidden: true });
  const button = (words, onclick) => h("button", { type: "button", class: "plain-button", onclick }, words);
  const clear = button(t("yard.mend"), async () => {
    for (const { subject, conditions: [off] } of rows.filter((row) => row.on())) await order(`${subject} ${off}`);
  });
  const ways = segments(named(["in", "out"]), (word) => { way = word; draw(); });
  const rows = [];
  const groups = Object.entries(GROUPS).map(([name, lines]) => h("details", {}, h("summary", {}, t(`yard.${name}`)), lines.split(", ").map(row)));
  const element = h("section", { class: "yard" }, h("h2", {}, t("yard.title")), bar, said, note, clear,
    h("h3", {}, t("yard.send")), ways.element,
    h("div", { class: "modes" }, KINDS.map((kind) => button(t(`yard.${kind}`), () => order(`${kind} ${way}`)))),
    h("div", { class: "modes" }, ["open", "close"].map((to) => button(t(`yard.push_${to}`), () => order(`push ${to}`)))), groups);

  function row(line) {
    const [subject, rest = "off on"] = line.split(": ");
    const conditions = rest.split(" ");
    const name = t(`yard.${subject.replaceAll(" ", "_")}`);
    const input = subject.replace("input ", "");
    const present = () => conditions.find((word) => truth?.faults.includes(`${subject} ${word}`))
      ?? (truth?.[subject] === true || (input !== subject && truth?.sensors.includes(input)) ? "on" : conditions[0]);
    const choice = segments(named(conditions), (word) => order(`${subject} ${word}`));
    attr(choice.element, "role", "group");
    attr(choice.element, "aria-label", name);
    rows.push({ subject, conditions, name, on: () => present() !== conditions[0], draw: () => choice.draw(present()), says: () => `${name}: ${t(`yard.${present()}`)}` });
    return h("div", { class: "options" }, h("span", {}, name), choice.element);
  }

  async function order(words) {
    const [action, ...rest] = words.split(" ");
    await ask(() => send("POST", "/yard", { action, arguments: rest }));
  }

  async function ask(question) {
    try {
      truth = await question();
      text(note, "");
    } catch (problem) {
      text(note, coded("code", problem.code, problem.title));
    }
    show(note, note.textContent);
    draw();
  }

  function draw() {
    const on = rows.filter((each) => each.on());
    for (const each of rows) each.draw();
    ways.draw(way);
    show(clear, on.length);
    if (!truth) return text(said, t("yard.loading"));
    bar.style.setProperty("--leaf", truth.leaf);
    const things = truth.things.map(({ kind }) => t(`yard.${kind}`)).join(", ");
    return text(said, [t("yard.leaf", { percent: number(truth.leaf * 100) }), truth.speed && t("yard.moves"), things && t("yard.road", { things }),
      on.length ? on.map((each) => each.says()).join("; ") : t("yard.quiet")].filter(Boolean).join(" · "));
  }

  async function look() {
    if (document.hidden || asking || trust() !== "live" || !state.me) return;
    asking = true;
    await ask(() => get("/yard"));
    asking = false;
  }
  const timer = setInterval(look, EVERY_MS);
  look();
  draw();
  return { element, leave: () => clearInterval(timer) };
}
