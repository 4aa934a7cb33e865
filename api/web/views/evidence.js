// Chứng cứ: one signed package of an event, or of some hours of a day, for a reason that stands in the journal; and the
// packages there are. A package can be taken once, within an hour.

import { get, send } from "../api.js";
import { children, h, sheet, show, text } from "../dom.js";
import { clock, dayBegins, dayName, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { dateOf } from "./entries.js";
import { proven } from "./signin.js";
import { back, button, deed, field, row, sayer } from "./under.js";

/** Ask for a package of `event`, or of hours of `day`. */
export function evidence({ event, day }) {
  const [since, until] = [["find.since", "00:00"], ["find.until", "23:59"]].map(([key, value]) => field(key, { type: "time", value }));
  const why = field("package.reason", { maxlength: 200 });
  const form = h("form", { novalidate: true }, day && h("div", { class: "pair" }, since.element, until.element), why.element,
    h("button", { type: "submit", class: "main-button" }, t("package.ask")));
  const [note, say] = sayer();
  const ready = h("div", { class: "ready", role: "status" });
  const rows = h("ul", { class: "rows" });
  const key = h("p", { class: "fine fingerprint" });
  const about = event ? [t(`cause.${event.cause}`), clock(event.started_at, true), dateOf(event.started_at)].join(" · ") : dayName(day);
  const dialog = sheet(t("package.title"), h("h2", {}, t("package.title")), h("p", {}, about), h("p", { class: "fine" }, t("package.lead")), form, note, ready,
    h("h3", {}, t("package.list")), rows, key, back());
  dialog.classList.add("package");

  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const empty = [since, until, why].find((each) => !each.value());
    if (empty) empty.input.focus();
    else deed(ask, say);
  });
  const moments = () => {
    const [first, last] = [since, until].map((each) => each.value().split(":").reduce((hours, minutes) => hours * 60 + Number(minutes), 0));
    // The last minute is meant too; and hours over midnight end on the next day.
    return [first, last + (last < first ? 1441 : 1)].map((minutes) => new Date(dayBegins(day).getTime() + minutes * 60_000).toISOString());
  };
  async function ask() {
    say("");
    const chosen = event ? { events: [event.event_id] } : { since: moments()[0], until: moments()[1] };
    const made = await send("POST", "/evidence", { ...chosen, reason: why.value() });
    children(ready, [h("p", {}, t("package.made", { clips: made.clips, mb: number(made.bytes / 1e6, 1), time: clock(made.expires_at) }),
      made.missing > 0 && h("span", {}, t("package.missing", { count: made.missing }))), take(made.url, "main-button")]);
    show(form, false);
    list();
  }
  const take = (url, look) => button(look, t("package.take"), () => proven(null, () => {
    h("a", { href: url, download: "" }).click();
    children(ready, []); // a second time there is only a refusal to take
    setTimeout(list, 2000);
  }));

  async function list() {
    const { items, key: fingerprint } = await get("/evidence").catch(() => ({ items: [] }));
    children(rows, items.slice(0, 20).map((each) => row(icon("note"), each.reason,
      [moment(each.at), each.person, t(`package.${each.status}`)].join(" · "), null, each.url && take(each.url, "small-button"))));
    text(key, fingerprint ? t("package.key", { key: fingerprint }) : "");
  }
  list();
}
