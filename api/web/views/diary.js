// Nhật ký: what happened, newest first. A strip shows the whole day and jumps into it; filters and a search through days find
// one visit among thousands. Two lists of the server (journal, motion events) are merged by time and paged together, and no
// more than so many rows are ever in the page: what is read on towards the past lets go of what is newest.

import { get } from "../api.js";
import { attr, children, h, show, text } from "../dom.js";
import { dayBegins, dayName, dayOf, moment, shift } from "../format.js";
import { coded, t } from "../i18n.js";
import { icon } from "../icons.js";
import { mark, since, state, trust } from "../store.js";
import { onFact } from "../stream.js";
import { dateOf, entriesOf, kindsOf, rowOf, wanted } from "./entries.js";
import { later, strip } from "./strip.js";

export const style = "views/diary.css";
const FILTERS = ["notable", "motion", "move", "alarm", "system"];
const COUNTED = { motion_started: "motion", drive_energised: "moves", alarm_raised: "alarms", obstructed: "alarms", reversed: "alarms" };
const PAGE = 100;
const BESIDE = 40; // rows beside the gate
const MOST = 400; // rows in the page
const FEW = 15; // a page with fewer is read on by itself
const ROUNDS = 6;
const RETRY_MS = 3000;
const RUN_MS = 600_000;
const today = () => dayOf(new Date());
export function diary() {
  const list = dayList({ watch });
  const label = h("span", {});
  const input = h("input", { type: "date", "aria-label": t("diary.choose"), onchange: () => input.value && go(input.value) });
  const button = (key, sign, onclick) => h("button", { type: "button", class: "icon-button", "aria-label": t(key), onclick }, icon(sign));
  const [back, on] = [-1, 1].map((way) => button(way < 0 ? "diary.before" : "diary.after", way < 0 ? "previous" : "next", () => go(shift(list.day, way))));
  const whole = strip((until) => list.open(list.day, { until }));
  const chips = FILTERS.map((name) => h("button", { type: "button", class: "chip", "data-kind": name, onclick: () => { list.filter(name); draw(); } }, t(`filter.${name}`)));
  const days = h("div", { class: "days" }, back, h("label", { class: "day-name" }, label, input), on, button("find.title", "filter", find));
  const told = h("span", { role: "status" });
  const sought = h("div", { class: "sought" }, told, button("find.change", "filter", find), button("find.end", "cross", () => go(list.day)));
  const proof = state.me.permissions.includes("evidence") && h("button", { type: "button", class: "chip", onclick: async () =>
    (await import("./evidence.js")).evidence({ day: list.day }) }, t("package.title"));
  const kinds = h("div", { class: "chips" }, h("div", { class: "chips", role: "group", "aria-label": t("filter.label") }, chips), proof);
  const element = h("div", { class: "diary" }, days, whole.element, kinds, sought, list.element);

  function go(day) {
    if (day > today()) return;
    list.open(day);
    draw();
  }
  async function find() {
    const { finder } = await import("./finder.js");
    finder(list.sieve ?? { from: list.day, to: list.day }, list.count?.zones ?? [], (sieve) => {
      list.open(list.day, { sieve });
      draw();
    });
  }
  async function watch(event) {
    (await import("./clip.js")).play(event, list.beside);
  }
  /** Follow what stands behind the "/" of the address, once: an event, or a moment. */
  async function arrive() {
    const [, tail] = location.hash.split("/");
    if (tail) history.replaceState(null, "", "#nhat-ky");
    const event = tail && Number.isNaN(Date.parse(tail)) && await get(`/events/${encodeURIComponent(tail)}`).catch(() => null);
    const at = event ? event.started_at : tail;
    if (!Number.isNaN(Date.parse(at))) list.open(dayOf(new Date(at)), { until: later(at, 60_000), aim: event ? tail : at });
    else if (!list.day) list.open(today());
    draw();
    if (event) watch(event);
  }
  function draw() {
    const { day, sieve } = list;
    if (!day) return;
    show(sought, sieve);
    for (const each of [days, kinds, whole.element]) show(each, !sieve);
    text(told, sieve && sieveWords(sieve));
    text(label, dayName(day));
    if (input.value !== day) input.value = day;
    attr(input, "max", today());
    attr(on, "aria-disabled", day >= today() && "true");
    chips.forEach((chip, place) => attr(chip, "aria-pressed", String(FILTERS[place] === list.filtered)));
    whole.draw(list);
    list.draw();
  }
  arrive();
  return { element, draw, leave: list.leave, arrive };
}

function sieveWords({ zone, direction, size, hours, from, to, starred, held }) {
  return [starred && t("star.on"), held && t("keep.on"), size && t(`size.${size}`), direction && t(`way.${direction}`), zone && coded("zone", zone, zone),
    hours?.replace("-", "–"), from === to ? dayName(from) : [from, to].map((day) => dateOf(`${day}T05:00:00Z`)).join("–")].filter(Boolean).join(" · ");
}

/** Make the list of one day; by itself it begins with today. `watch(event)`: somebody wants to see it. `compact`: beside the
 *  controls, without controls of its own. */
export function dayList({ compact = false, watch = async (event) => (await import("./clip.js")).play(event) }) {
  const rows = h("ol", { class: "entries" });
  const words = h("p", { class: "list-note" });
  const control = (key, onclick) => h("button", { type: "button", class: "plain-button", onclick }, t(key));
  const [newest, again, more] = [control("diary.newer", newer), control("do.retry", () => load()), control("diary.more", () => load())];
  const element = h("div", { class: "list", "data-compact": compact, onwheel: ahead, ontouchmove: ahead }, newest, words, rows, again, more);
  const made = new Map(); // key → {version, element}
  let sources;
  let entries = null; // as they are to be shown; null: to be made anew
  let shown = null; // of `entries`
  let problem = null;
  let tried = null; // mark of the newest try
  let loading = false;
  let turn = 0;
  let aimed = null; // the key of a row, or a moment whose row is to be found
  let loadedAs;
  const self = { element, day: null, filtered: "notable", sieve: null, until: null, count: null, open, filter, beside, draw, leave };

  /** Show a day, all of it or what was before `until`; or what `sieve` lets through, in its days. */
  function open(day, { until = null, sieve = null, aim = null } = {}) {
    if (self.day !== day) self.count = null;
    Object.assign(self, { day, until, sieve });
    [turn, loading, aimed, loadedAs] = [turn + 1, false, aim, self.filtered];
    made.clear();
    sources = { journal: source(sieve || loadedAs === "motion"), events: source(!sieve && !["notable", "motion"].includes(loadedAs)) };
    children(rows, []);
    load();
  }

  function filter(name) {
    self.filtered = name;
    if (loadedAs === "notable" && finished() && name !== "system") changed(); // all of it is here
    else open(self.day, { until: self.until });
  }

  const finished = () => sources.journal.done && sources.events.done;
  function present() {
    const { sieve, until, filtered, count } = self;
    entries ??= entriesOf(sources, (!sieve && count?.failed_sign_ins) || [])
      .filter((entry) => (sieve || wanted(entry, filtered)) && (!until || entry.at < until));
    return entries;
  }
  function changed() {
    entries = null;
    draw();
  }

  async function load() {
    if (loading) return;
    [loading, problem, tried] = [true, null, mark()];
    changed();
    const mine = turn;
    try {
      const enough = present().length + FEW;
      let counted;
      for (let round = 0; round < ROUNDS && mine === turn && !(round && finished()) && (!round || present().length < enough); round += 1) {
        const pages = Promise.all([loadJournal(sources.journal), loadEvents(sources.events)]);
        counted ??= loadCount(); // the longest of the three: rows need not wait for it
        counted.catch(() => {}); // told below, unless the rows failed before it
        await pages;
        changed();
      }
      await counted;
    } catch (caught) {
      if (mine === turn) problem = caught;
    }
    if (mine !== turn) return;
    loading = false;
    letGo();
    changed();
    if (aimed) aim();
  }

  /** The days that are asked for. Hours over midnight are of nights: those that begin or end on these days, whole. */
  const within = () => {
    const { from = self.day, to = self.day, hours } = self.sieve ?? {};
    const aside = hours && hours.slice(6) <= hours.slice(0, 5) ? 12 * 3600_000 : 0;
    return { since: later(dayBegins(from), -aside), until: self.until ?? later(dayBegins(shift(to, 1)), aside) };
  };
  async function loadCount() {
    if (self.count || self.sieve) return;
    const { day } = self;
    const count = await get(`/diary?day=${day}`);
    if (day === self.day) self.count = { ...count, turn: 0 };
  }
  async function loadJournal(from) {
    if (from.done) return;
    const query = new URLSearchParams({ ...within(), kind: kindsOf(loadedAs).join(","), limit: compact ? BESIDE : PAGE, newest_first: true });
    if (from.next) query.set("before", from.next);
    take(from, await get(`/journal?${query}`), (fact) => [fact.seq, fact.at]);
  }
  async function loadEvents(from) {
    if (from.done) return;
    const { from: _, to, ...sieve } = self.sieve ?? {};
    const query = new URLSearchParams({ ...within(), ...sieve, limit: compact ? BESIDE : 50 });
    if (from.next) query.set("before", from.next);
    take(from, await get(`/events?${query}`), (event) => [event.event_id, event.started_at]);
  }

  /** More rows than a phone carries well: the newest go, and stay one tap away. The thumb's place is kept. */
  function letGo() {
    const all = present();
    if (all.length <= MOST) return;
    const stays = rows.lastElementChild;
    const before = stays.getBoundingClientRect().top;
    self.until = later(all[all.length - MOST * 0.6].at, 1);
    const gone = later(self.until, RUN_MS); // a little longer, so that what began before `until` is told how it ended
    for (const [id, fact] of sources.journal.items) if (fact.at > gone) sources.journal.items.delete(id);
    for (const [id, event] of sources.events.items) if (event.started_at > gone) sources.events.items.delete(id);
    changed();
    const scroller = element.closest("main");
    if (scroller && stays.isConnected) scroller.scrollTop += stays.getBoundingClientRect().top - before;
  }

  function newer() {
    const { count, until, day, sieve } = self;
    if (sieve || !count) return open(day, { sieve });
    let place = Math.ceil((Date.parse(until) - Date.parse(count.since)) / 1000 / count.step_s);
    for (let sum = 0; place < count.motion.length && sum < PAGE; place += 1) sum += count.motion[place] + 2 * count.moves[place] + count.alarms[place];
    return open(day, { until: place < count.motion.length ? later(count.since, place * count.step_s * 1000) : null, aim: until });
  }

  function aim() {
    const far = ({ at }) => Math.abs(Date.parse(at) - Date.parse(aimed));
    const nearest = present().reduce((best, entry) => (!best || far(entry) < far(best) ? entry : best), null);
    const found = (made.get(aimed) ?? made.get(nearest?.key))?.element;
    aimed = null;
    if (!found) return;
    attr(found, "data-aimed", true);
    found.scrollIntoView({ block: "center" });
  }

  /** The end is near, and a hand is scrolling: read on before it gets there. */
  function ahead() {
    if (!compact && !loading && !problem && sources && !finished() && more.getBoundingClientRect().top < innerHeight * 2) load();
  }

  /** The visit after (1) or before (-1) one in time, as they are listed. */
  function beside(event, way) {
    const visits = present().filter((entry) => entry.type === "motion");
    return visits[visits.findIndex((entry) => entry.key === event.event_id) - way]?.event;
  }

  // What arrives while the day is today. Motion is asked for again: its parts arrive as three facts.
  let soon = null;
  const end = onFact((fact) => {
    const { at, kind, data, seq } = fact;
    if (sources && /^event_/.test(kind) && sources.events.items.has(data.event_id)) renew(`/events/${data.event_id}`, (event) => [event]);
    if (!sources || self.sieve || self.day !== dayOf(new Date(at))) return;
    tally(kind, at, data);
    if (self.until) return; // what is shown is over
    if (/^(motion|clip)_/.test(kind)) {
      clearTimeout(soon);
      soon = setTimeout(() => renew(`/events?${new URLSearchParams({ day: self.day, limit: 20 })}`, (page) => page.items), 400);
    } else if (kindsOf(loadedAs).includes(kind)) sources.journal.items.set(seq, fact);
    else if (kind !== "user_sign_in_failed") return;
    changed();
    if (entries.length > (compact ? 3 * BESIDE : MOST + PAGE)) open(self.day); // a page left open for days
  });
  function tally(kind, at, { name }) {
    const { count } = self;
    if (!count) return;
    const step = Math.floor((Date.parse(at) - Date.parse(count.since)) / 1000 / count.step_s);
    if (kind in COUNTED) count[COUNTED[kind]][step] += 1;
    if (kind === "user_sign_in_failed") {
      const last = count.failed_sign_ins.at(-1);
      const run = last && Date.parse(at) - Date.parse(last.last_at) < RUN_MS ? count.failed_sign_ins.pop() : { first_at: at, count: 0, names: [] };
      count.failed_sign_ins.push({ ...run, last_at: at, count: run.count + 1, names: [...new Set([...run.names, name].filter(Boolean))] });
    }
    count.turn += 1;
  }
  async function renew(path, eventsOf) {
    const [mine, into] = [turn, sources.events];
    const answer = await get(path).catch(() => null);
    if (!answer || mine !== turn) return;
    for (const event of eventsOf(answer)) into.items.set(event.event_id, event);
    changed();
  }

  function draw() {
    if (!sources) return;
    if (compact && self.day !== today()) return open(today()); // midnight has passed
    if (problem?.unanswered && trust() === "live" && since(tried) > RETRY_MS) return load(); // back online
    const all = present();
    if (shown !== all) {
      const seen = compact ? all.slice(0, BESIDE) : all;
      children(rows, seen.map((entry) => rowFor(entry)));
      const keys = new Set(seen.map(({ key }) => key));
      for (const key of made.keys()) if (!keys.has(key)) made.delete(key);
      shown = all;
    }
    show(newest, self.until && !loading);
    show(more, !loading && !problem && !finished() && !compact);
    text(more, t(self.sieve ? "find.on" : "diary.more"));
    show(again, problem && !loading);
    const said = note(all.length);
    text(words, said);
    show(words, said);
    attr(element, "data-loading", loading && !all.length);
    attr(element, "aria-busy", loading && "true");
  }

  function note(count) {
    if (problem && !problem.unanswered) return problem.status === 403 ? t("diary.no_right") : t("error.sentence", { code: problem.code });
    if (problem || !["live", "waiting"].includes(trust())) return t("diary.offline", { time: state.heardAt ? moment(state.heardAt) : "" });
    if (loading) return count ? "" : t("diary.loading");
    if (count) return "";
    if (!finished()) return t("diary.none_yet");
    return t(self.sieve ? "find.none" : self.filtered === "notable" && !self.until ? "diary.empty" : "diary.empty_filter");
  }

  function rowFor(entry) {
    const version = JSON.stringify(entry);
    const known = made.get(entry.key);
    if (known?.version === version) return known.element;
    const drawn = rowOf(entry, self.sieve, watch);
    made.set(entry.key, { version, element: drawn });
    return drawn;
  }

  function leave() {
    turn += 1;
    clearTimeout(soon);
    end();
  }
  if (compact) open(today());
  return self;
}
const source = (done) => ({ items: new Map(), next: null, done: Boolean(done), oldest: "9" });

function take(from, page, idAndTime) {
  for (const item of page.items) {
    const [id, at] = idAndTime(item);
    from.items.set(id, item);
    if (at < from.oldest) from.oldest = at;
  }
  from.next = page.next;
  from.done = page.next === null;
}
