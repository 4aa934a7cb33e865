// Lịch: the week as it is in force, what the gate does next; and for commanders another one, tried before it is in force.

import { get, send } from "../api.js";
import { attr, children, h, s, segments, sheet, show, text } from "../dom.js";
import { clock, dayName, dayOf, moment } from "../format.js";
import { coded, t } from "../i18n.js";
import { icon } from "../icons.js";
import { state, trust } from "../store.js";
import { onFact } from "../stream.js";
import { whoDid } from "./told.js";
import { back, button, chips, failure, field, loader, row, sayer, under, waiting } from "./under.js";

export const style = "views/under.css";

const AGAIN_MS = 60_000; // the hour of the next move may have come
const TRY_AFTER_MS = 700; // of quiet: the gate takes two previews a second
const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MANY = { every_day: WEEK, weekdays: WEEK.slice(0, 5), weekend: WEEK.slice(5) };
const NEW = { days: WEEK, start: "22:00", end: "05:00", wants: "closed", exit_opens: true };

export function timetable() {
  const means = h("ul", { class: "rows" });
  const days = h("ol", { class: "week" });
  const head = h("h3", {});
  const shown = h("section", {}, head, means, days);
  const origin = h("p", { class: "fine" });
  const forms = h("div", { class: "periods" });
  const trying = h("div", {});
  const [wrong, complain] = sayer();
  const [done, say] = sayer("farewell");
  const edit = button("main-button", t("timetable.edit"), begin);
  const reason = field("timetable.reason", { maxlength: 200 });
  const editor = h("section", {}, forms, button("plain-button", t("timetable.add"), () => add(NEW)), trying, wrong, reason.element,
    button("main-button", t("timetable.set"), put), button("plain-button", t("do.cancel"), () => leave() || loading.load()));
  let [known, drafts, begun, soon, turn, sending] = [null, null, null, null, 0, false];
  const periods = () => drafts.map(({ value }) => value());
  const unset = () => drafts && JSON.stringify(periods()) !== begun;
  const loading = loader(async () => {
    if (drafts) return;
    const [mine, now, then] = [(turn += 1), await get("/timetable"), await send("POST", "/timetable/preview", {})];
    if (mine !== turn) return;
    known = now;
    const { set_at: at, set_by: by, reason: why, misfits } = now;
    text(origin, at ? t("timetable.set_by", { who: whoDid(by), time: moment(at), why }) : t("timetable.of_the_file"));
    tell(then, misfits.map(({ field: name }) => problemOf(name)));
    show(edit, state.me.permissions.includes("timetable"));
  }, AGAIN_MS);
  const end = onFact(({ kind }) => {
    if (kind !== "timetable_changed") return;
    if (drafts) complain(t("problem.stale_timetable"));
    else loading.load();
  });

  function tell({ now, next, days: week }, misfits = []) {
    const back = (next?.held_back_by ?? []).map((code) => (code === "already_there" ? t("timetable.there") : coded("code", code)));
    children(means, [misfits[0] && row(icon("warn"), t("timetable.misfits"), misfits.join("; "), "alarm"), now.paused && row(icon("warn"), coded("code", now.paused), "", "care"),
      row(icon("clock"), t("timetable.now", { wanted: t(`wants.${now.wants ?? "nothing"}`) }), [now.period, now.until && t("timetable.until", { time: moment(now.until) })].filter(Boolean).join(" · ")),
      row(icon("next"), next ? t(`goes.${next.does}`, { time: moment(next.at) }) : t("timetable.next_none"), [next?.period, ...back].filter(Boolean).join(" · "))].filter(Boolean));
    children(days, week.map(day));
  }

  // The editor: every change is tried and shown as a week; nothing is in force before Áp dụng.
  function begin() {
    drafts = [];
    children(forms, []);
    draw();
    say("");
    (known.periods.length ? known.periods : [NEW]).forEach(add);
    begun = JSON.stringify(periods());
    onbeforeunload = () => unset() || null;
  }
  function leave() {
    clearTimeout(soon);
    turn += 1;
    drafts = onbeforeunload = null;
    draw();
  }
  function draw() {
    text(head, t(drafts ? "timetable.preview" : "timetable.week"));
    show(editor, drafts);
    show(edit, !drafts && known);
    if (drafts) trying.append(shown); // beside what is changed
    else origin.before(shown);
    complain("");
    attr(days, "data-stale", null);
  }
  function add(given) {
    const form = periodForm(given, changed, () => {
      drafts.splice(drafts.indexOf(form), 1);
      form.element.remove();
      changed();
    });
    drafts.push(form);
    forms.append(form.element);
    changed();
  }
  function changed() {
    drafts.forEach(({ legend }, place) => text(legend, t("period.number", { count: place + 1 })));
    clearTimeout(soon);
    soon = setTimeout(trial, TRY_AFTER_MS);
  }
  async function trial() {
    const mine = (turn += 1);
    const told = await send("POST", "/timetable/preview", { periods: periods() }).catch((problem) => problem);
    if (mine !== turn) return;
    refused(told);
    if (told.days) tell(told);
  }
  function refused(problem) {
    const { code } = problem;
    const named = (problem.errors ?? []).map(({ field: name }) => name);
    drafts.forEach(({ element }, place) => attr(element, "data-bad", named.some((name) => name.split(".")[2] === `${place}`)));
    attr(days, "data-stale", Boolean(code));
    complain(!code ? "" : named.length ? [...new Set(named.map(problemOf))].join("; ") : failure(problem));
  }
  async function put() {
    if (!reason.value()) return complain(t("timetable.why")) ?? reason.input.focus();
    if (sending) return null;
    sending = true;
    clearTimeout(soon);
    turn += 1;
    try {
      const { kept } = await waiting(() => send("PUT", "/timetable", { periods: periods(), reason: reason.value(), revision: known.revision }));
      reason.input.value = "";
      leave();
      await loading.load();
      say(t(kept ? "timetable.done" : "timetable.not_kept"));
      return done.scrollIntoView({ block: "center" });
    } catch (problem) {
      refused(problem);
      if (problem.code === "stale_timetable") known = await get("/timetable").catch(() => known); // pressed once more, it is meant
      return null;
    } finally {
      sending = false;
    }
  }

  const element = under("timetable.title", loading.element, done, shown, origin, edit, editor);
  draw();
  loading.load();
  return {
    element,
    draw() {
      loading.draw();
      show(means, trust() === "live");
    },
    leave() {
      end();
      leave();
    },
    /** What was changed and is not in force is not lost without a question; going on to `address` is one answer. */
    keeps(address) {
      if (!unset()) return false;
      sheet(t("timetable.title"), h("h2", {}, t("timetable.unset")), back("timetable.stay", "main-button"), button("plain-button", t("timetable.drop"), () => {
        leave();
        location.hash = address;
      }));
      return true;
    },
  };
}

/** "body.periods.0.start" for people. */
function problemOf(name) {
  const [, number, part] = /periods[.[](\d+)\]?\.?(\w*)/.exec(name) ?? [];
  if (!number) return t("timetable.bad");
  return t(part ? "timetable.bad_period" : "timetable.overlap", { number: Number(number) + 1, what: part && coded("period", part, part) });
}

/** One day: a bar from midnight to midnight, and the same in words. */
function day({ date, stretches }) {
  const today = date === dayOf(new Date());
  const minutes = (at) => Number(at.slice(0, 2)) * 60 + Number(at.slice(3, 5));
  const wishes = stretches.filter(({ wants }) => wants).map(({ start, end, wants, period }) => [start.slice(11, 16), end.slice(11, 16).replace("00:00", "24:00"), wants, period]);
  return h("li", { "aria-current": today && "date" }, h("b", {}, dayName(date)),
    s("svg", { viewBox: "0 0 1440 24", preserveAspectRatio: "none", "aria-hidden": "true" }, s("path", { class: "tick", d: "M360 0v24M720 0v24M1080 0v24" }),
      wishes.map(([start, end, wants]) => s("rect", { class: wants, x: minutes(start), width: minutes(end) - minutes(start), y: wants === "open" ? 12 : 0, height: 24 })),
      today && s("path", { class: "now", d: `M${minutes(clock(new Date()))} 0v24` })),
    h("span", {}, wishes.map(([start, end, wants, period]) => [`${start}–${end}`, t(`wants.${wants}`), /^\d\d:/.test(period) ? "" : `(${period})`].join(" ").trim()).join(" · ") || t("wants.nothing")));
}

/** "5", "530" and "5:30" as 05:00 and 05:30: a telephone's number pad has no colon, and 12-hour pickers have two noons. */
function written(typed) {
  const [, hour, minute = "00"] = /^(\d{1,2}?):?(\d{2})?$/.exec(typed) ?? [];
  return hour ? `${hour.padStart(2, "0")}:${minute}` : typed;
}

/** The form of one period; `value()`: as the gate takes it. */
function periodForm(given, changed, remove) {
  const legend = h("legend", {});
  const name = field("period.name", { maxlength: 40, value: given.name, oninput: changed });
  const [start, end] = ["start", "end"].map((part) => field(`period.${part}`, { inputmode: "numeric", maxlength: 5, value: given[part], oninput: changed, onchange: ({ target }) => (target.value = written(target.value.trim())) }));
  const week = chips(t("period.days"), WEEK.map((each, place) => [each, t(`weekday.${place}`)]), (given.days ?? WEEK).flatMap((each) => MANY[each] ?? each), changed);
  const spans = h("div", { class: "periods" });
  const addSpan = (first, last = first) => spans.append(h("div", { class: "span" }, [["first", first], ["last", last]].map(([part, value]) => field(`period.${part}`, { type: "date", value, oninput: changed }).element)));
  given.dates?.forEach((each) => addSpan(...each.split("..")));
  const dates = h("div", { class: "periods" }, spans, button("plain-button", t("period.more_dates"), () => addSpan()));
  const exit = chips(t("period.exit_opens"), [["exit", t("period.exit_opens")]], given.exit_opens ? ["exit"] : [], changed);
  show(exit.element, state.gate && "exit_loop" in state.gate.inputs);
  let { wants } = given;
  let by = given.dates ? "dates" : "days";
  const choice = (entries, choose) => segments(entries, (value) => {
    choose(value);
    if (by === "dates" && !spans.firstChild) addSpan();
    draw();
    changed();
  });
  const wish = choice(["closed", "open", "nothing"].map((each) => [each, t(`wants.${each}`)]), (value) => (wants = value));
  const sort = choice(["days", "dates"].map((each) => [each, t(`period.by_${each}`)]), (value) => (by = value));
  const draw = () => {
    wish.draw(wants);
    sort.draw(by);
    show(week.element, by === "days");
    show(dates, by === "dates");
  };
  draw();
  const said = () => [...spans.children].map((span) => [...new Set([...span.querySelectorAll("input")].map(({ value }) => value))].filter(Boolean).join("..")).filter(Boolean);
  return {
    legend,
    element: h("fieldset", { class: "period" }, legend, name.element, sort.element, week.element, dates, h("div", { class: "span" }, start.element, end.element), wish.element, exit.element,
      button("plain-button", t("period.remove"), remove)),
    value: () => ({ ...(name.value() && { name: name.value() }), ...(by === "days" ? { days: week.value() } : { dates: said() }),
      start: written(start.value()), end: written(end.value()).replace("00:00", "24:00"), wants, exit_opens: exit.value().length > 0 }),
  };
}
