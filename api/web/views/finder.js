// What to look for in the diary: where, which way, how large, at which hours, on which days. The gate does the looking.

import { attr, h, segments, sheet } from "../dom.js";
import { coded, t } from "../i18n.js";
import { back, button, chips, field, sayer } from "./under.js";

/** Ask; `go(sieve)` follows. `now`: what is looked for at present; `zones`: names of the camera's zones. */
export function finder(now, zones, go) {
  const sieve = { ...now };
  const choice = (name, values, wordsOf) => {
    const made = segments([[undefined, t("find.any")], ...values.map((value) => [value, wordsOf(value)])], (value) => made.draw(sieve[name] = value));
    made.draw(now[name]);
    attr(made.element, "role", "group");
    attr(made.element, "aria-label", t(`find.${name}`));
    return h("div", { class: "options" }, h("span", {}, t(`find.${name}`)), made.element);
  };
  const marks = chips(t("find.marks"), [["starred", t("star.on")], ["held", t("keep.on")]], Object.keys(now));
  const [begins, ends] = (now.hours ?? "").split("-");
  const [since, until] = [["find.since", begins], ["find.until", ends]].map(([key, value]) => field(key, { type: "time", value }));
  const [from, to] = ["from", "to"].map((name) => field(`find.${name}`, { type: "date", value: now[name] }));
  const night = button("chip", t("find.night"), () => [since.input.value, until.input.value] = ["22:00", "05:00"]);
  const [bad, say] = sayer();
  const form = h("form", { novalidate: true },
    choice("size", ["small", "medium", "large"], (size) => t(`size.${size}`)), choice("direction", ["in", "out"], (way) => t(`way.${way}`)),
    zones.length > 1 && choice("zone", zones, (zone) => coded("zone", zone, zone)), marks.element,
    h("div", { class: "pair" }, since.element, until.element, night), h("div", { class: "pair" }, from.element, to.element), bad,
    h("button", { type: "submit", class: "main-button" }, t("find.go")));
  const dialog = sheet(t("find.title"), h("h2", {}, t("find.title")), form, back("do.cancel"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const good = from.value() && to.value() && from.value() <= to.value() && !since.value() === !until.value();
    say(good ? "" : t("find.bad"));
    if (!good) return;
    dialog.close();
    const { size, direction, zone } = sieve;
    const wanted = { size, direction, zone, hours: since.value() && [since.value(), until.value()].join("-"), ...Object.fromEntries(marks.value().map((name) => [name, true])) };
    go({ ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)), from: from.value(), to: to.value() });
  });
}
