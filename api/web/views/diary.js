// Nhật ký: what happened on a day, newest first. Motion with its picture and clip, moves with who made them and how they
// ended, alarms, and the system's own comings and goings. Two lists of the server (journal, motion events) are merged by
// time and paged together; facts that arrive while one looks are put on top.

import { get } from "../api.js";
import { attr, children, h, show, text } from "../dom.js";
import { clock, dayBegins, dayName, dayOf, duration, moment, shift } from "../format.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { mark, since, state, trust } from "../store.js";
import { onFact } from "../stream.js";
import { picture, play } from "./clip.js";
import { courseOf, ending, outcome } from "./course.js";
import { alarmWords, whoDid } from "./told.js";

const MOVES = ["command_accepted", "arrived"];
const DRIVES = ["drive_energised", "drive_released"];
const ALARMS = ["command_refused", "obstructed", "reversed", "alarm_raised", "alarm_acknowledged", "health_changed", "mode_changed",
  "sensor_degraded", "sensor_recovered", "gateway_compared", "storage_low", "user_sign_in_failed", "process_died", "state_changed"];
const SYSTEM = ["boot", "shutdown", "process_started", "user_signed_in", "user_changed", "config_changed", "timetable_changed",
  "clock_changed", "broker_connected", "broker_lost"];
const KINDS = [...MOVES, ...DRIVES, ...ALARMS, ...SYSTEM];
const RED = ["alarm_raised", "obstructed", "reversed"];
const FILTERS = ["notable", "motion", "move", "alarm", "system"];
const PAGE = 100;
const RETRY_MS = 3000;
export function diary() {
  const list = dayList({});
  const today = () => dayOf(new Date());
  const label = h("span", {});
  const input = h("input", { type: "date", "aria-label": t("diary.choose"), onchange: () => input.value && go(input.value) });
  const back = h("button", { type: "button", class: "icon-button", "aria-label": t("diary.before"), onclick: () => go(shift(list.day, -1)) }, icon("previous"));
  const on = h("button", { type: "button", class: "icon-button", "aria-label": t("diary.after"), onclick: () => go(shift(list.day, 1)) }, icon("next"));
  const chips = FILTERS.map((name) => h("button", { type: "button", class: "chip", onclick: () => pick(name) }, t(`filter.${name}`)));
  const element = h("div", { class: "diary" },
    h("div", { class: "days" }, back, h("label", { class: "day-name" }, label, input), on),
    h("div", { class: "chips", role: "group", "aria-label": t("filter.label") }, chips), list.element);

  function go(day) {
    if (day > today()) return;
    list.open(day);
    drawHead();
  }
  function pick(name) {
    list.filter(name);
    drawHead();
  }
  function drawHead() {
    text(label, dayName(list.day));
    if (input.value !== list.day) input.value = list.day;
    attr(input, "max", today());
    attr(on, "aria-disabled", list.day >= today() && "true");
    chips.forEach((chip, place) => attr(chip, "aria-pressed", String(FILTERS[place] === list.filtered)));
  }
  drawHead();
  return { element, draw: list.draw, leave: list.leave };
}

/** Make the list of one day; begins with today. `compact`: beside the controls, without paging controls of its own. */
export function dayList({ compact = false }) {
  const rows = h("ol", { class: "entries" });
  const words = h("p", { class: "list-note" });
  const again = h("button", { type: "button", class: "plain-button", onclick: () => load() }, t("do.retry"));
  const more = h("button", { type: "button", class: "plain-button", onclick: () => load() }, t("diary.more"));
  const element = h("div", { class: "list", "data-compact": compact }, words, rows, again, more);
  const made = new Map(); // key → {version, element}
  let sources;
  let problem = null;
  let tried = null; // mark of the newest try
  let loading = false;
  let turn = 0;
  const self = { element, day: null, filtered: "notable", open, filter, draw, leave };

  function open(day) {
    self.day = day;
    turn += 1;
    loading = false;
    made.clear();
    sources = { journal: source(), events: source() };
    children(rows, []);
    load();
  }

  function filter(name) {
    self.filtered = name;
    draw();
  }

  async function load() {
    if (loading) return;
    loading = true;
    problem = null;
    tried = mark();
    draw();
    const mine = turn;
    try {
      await Promise.all([loadJournal(sources.journal), loadEvents(sources.events)]);
    } catch (caught) {
      problem = caught;
    }
    if (mine !== turn) return;
    loading = false;
    draw();
  }

  async function loadJournal(from) {
    if (from.done) return;
    const span = { since: dayBegins(self.day).toISOString(), until: dayBegins(shift(self.day, 1)).toISOString() };
    const query = new URLSearchParams({ ...span, kind: KINDS.join(","), limit: PAGE, newest_first: true });
    if (from.next) query.set("before", from.next);
    take(from, await get(`/journal?${query}`), (fact) => [fact.seq, fact.at]);
  }

  async function loadEvents(from) {
    if (from.done) return;
    const query = new URLSearchParams({ day: self.day, limit: 50 });
    if (from.next) query.set("before", from.next);
    take(from, await get(`/events?${query}`), (event) => [event.event_id, event.started_at]);
  }

  // What arrives while the day is today. Motion is asked for again: its parts arrive as three facts.
  let soon = null;
  const end = onFact((fact) => {
    if (!sources || self.day !== dayOf(new Date(fact.at))) return;
    if (/^(motion|clip)_/.test(fact.kind)) {
      clearTimeout(soon);
      soon = setTimeout(freshen, 400);
    } else if (KINDS.includes(fact.kind)) {
      sources.journal.items.set(fact.seq, fact);
      draw();
    }
  });
  async function freshen() {
    const [mine, into] = [turn, sources.events];
    const page = await get(`/events?${new URLSearchParams({ day: self.day, limit: 20 })}`).catch(() => null);
    if (!page || mine !== turn) return;
    for (const event of page.items) into.items.set(event.event_id, event);
    draw();
  }

  function draw() {
    if (!sources) return;
    if (problem?.unanswered && trust() === "live" && since(tried) > RETRY_MS) return load(); // back online
    const entries = merge(sources).filter((entry) => wanted(entry, self.filtered));
    children(rows, (compact ? entries.slice(0, 40) : entries).map(rowFor));
    const finished = sources.journal.done && sources.events.done;
    show(more, !loading && !problem && !finished && !compact);
    show(again, problem && !loading);
    const said = note(entries.length, finished);
    text(words, said);
    show(words, said);
    attr(element, "data-loading", loading && !entries.length);
    attr(element, "aria-busy", loading && "true");
  }

  function note(count, finished) {
    if (problem && !problem.unanswered) return problem.status === 403 ? t("diary.no_right") : t("error.sentence", { code: problem.code });
    if (problem || !["live", "waiting"].includes(trust())) return t("diary.offline", { time: state.heardAt ? moment(state.heardAt) : "" });
    if (loading) return count ? "" : t("diary.loading");
    if (count) return "";
    return finished ? t(self.filtered === "notable" ? "diary.empty" : "diary.empty_filter") : t("diary.none_yet");
  }

  function rowFor(entry) {
    const version = JSON.stringify(entry);
    const known = made.get(entry.key);
    if (known?.version === version) return known.element;
    const drawn = row(entry);
    made.set(entry.key, { version, element: drawn });
    return drawn;
  }

  function leave() {
    turn += 1;
    clearTimeout(soon);
    end();
  }
  open(dayOf(new Date()));
  return self;
}
const source = () => ({ items: new Map(), next: null, done: false, oldest: "9" });

function take(from, page, idAndTime) {
  for (const item of page.items) {
    const [id, at] = idAndTime(item);
    from.items.set(id, item);
    if (at < from.oldest) from.oldest = at;
  }
  from.next = page.next;
  from.done = page.next === null;
}

/** Everything down to where both lists are complete, newest first: an older page never slips in between rows already read. */
function merge({ journal, events }) {
  const floor = [journal, events].filter((from) => !from.done).reduce((latest, from) => (from.oldest > latest ? from.oldest : latest), "");
  const motions = [...events.items.values()].map((event) => ({ key: event.event_id, type: "motion", at: event.started_at, seq: event.seq, event }));
  return [...motions, ...fold([...journal.items.values()])].filter((entry) => entry.at >= floor)
    .sort((a, b) => (a.at === b.at ? b.seq - a.seq : a.at < b.at ? 1 : -1));
}

/** One entry per command and per move that a rule made, with how it ended; one per other fact. Relays are for who looks at
 *  the system. */
function fold(facts) {
  const courses = courseOf(facts);
  return facts.flatMap((fact) => {
    const { id, kind, at, seq, by, data } = fact;
    const course = courses.get(data.command_id);
    const entry = { key: id, at, seq, by, kind, data, type: SYSTEM.includes(kind) || DRIVES.includes(kind) ? "system" : "alarm" };
    if (kind === "command_accepted") return data.command === "acknowledge" ? [] : { ...entry, type: "move", command: data.command, course };
    if (kind === "mode_changed" && course?.accepted && by.type === "person") return []; // told by its command
    if (courses.has(id)) return [entry, { ...entry, key: `${id} move`, type: "move", command: data.direction, course: courses.get(id) }];
    if (MOVES.includes(kind) || (kind === "reversed" && course?.obstructed)) return [];
    if (kind === "command_refused" && course?.accepted) return []; // given up before it ran: told by its own row
    if (kind === "obstructed") return { ...entry, course };
    if (kind === "state_changed" && (data.command_id || data.from === "unknown")) return []; // told by its move, or by a start
    return entry;
  });
}

const wanted = ({ type }, filtered) => (filtered === "notable" ? type !== "system" : type === filtered);
function row(entry) {
  const time = h("time", { datetime: entry.at }, clock(entry.at));
  if (entry.type === "motion") return motionRow(entry.event, time);
  const [sign, title, more, tone] = entry.type === "move" ? moveWords(entry) : factWords(entry);
  return h("li", { class: "entry", "data-type": entry.type, "data-tone": tone }, time, h("span", { class: "sign" }, icon(sign)),
    h("span", { class: "entry-words" }, h("b", {}, title), more && h("span", {}, more)));
}

const SIGNS = { open: "opened", hold_open: "opened", emergency_open: "urgent", close: "closed", lockdown: "lock", unlock: "lock", normal: "check", acknowledge: "check" };

function moveWords({ command, by, course, data }) {
  const sign = SIGNS[command] ?? command.replace(/_(on|off)$/, "");
  return [sign, t(`command.${command}`), [whoDid(by), course?.lasts && t("fact.mode_ends", { duration: duration(course.lasts * 1000) }), outcome(command, course ?? {}), data.reason].filter(Boolean).join(" · "), null];
}

function factWords({ kind, data, by, course }) {
  const tone = RED.includes(kind) ? "alarm" : null;
  const sign = kind.startsWith("user_") ? "person" : RED.includes(kind) || kind === "process_died" ? "warn" : kind === "alarm_acknowledged" ? "check" : "note";
  if (kind === "command_refused") {
    const title = t("fact.command_refused", { command: t(`command.${data.command}`) });
    return ["lock", title, [coded("code", data.code), whoDid(by)].filter(Boolean).join(" · "), null];
  }
  if (kind === "alarm_raised" || kind === "alarm_acknowledged") {
    const said = kind === "alarm_raised" && data.reminder > 0 ? t("fact.reminder", { count: data.reminder }) : t(`fact.${kind}`);
    return [sign, alarmWords({ alarm: data.alarm, data }), [said, kind === "alarm_acknowledged" && whoDid(by)].filter(Boolean).join(" · "), tone];
  }
  return [sign, kind === "mode_changed" && data.reminder ? t(`mode.${data.to}`) : coded("fact", kind, kind), detail(kind, data, by, course), tone];
}

function detail(kind, data, by, course) {
  switch (kind) {
    case "obstructed": return [coded("obstacle", data.by ?? "beam"), course?.open && `${t("fact.reopening")} ${ending(course.open)}`.trim()].filter(Boolean).join(" · ");
    case "reversed": return [coded("obstacle", data.by ?? by.id, whoDid(by)), data.to === "open" && t("ended.reversed")].filter(Boolean).join(" · ");
    case "drive_energised": return [relay(data), data.direction && t(`command.${data.direction}`), whoDid(by)].filter(Boolean).join(" · ");
    case "drive_released": return [relay(data), data.ran_ms && t("drive.ran", { duration: duration(data.ran_ms) }), ending({ why: data.why })].filter(Boolean).join(" · ");
    case "mode_changed": return data.reminder ? t("fact.mode_ending", { duration: duration(data.ends_in_s * 1000) }) : [t("fact.from_to", { from: t(`mode.${data.from}`), to: t(`mode.${data.to}`) }),
      data.ends_in_s && t("fact.mode_ends", { duration: duration(data.ends_in_s * 1000) }), whoDid(by)].filter(Boolean).join(" · ");
    case "sensor_degraded": case "sensor_recovered": return [data.sensor && coded("sensor", data.sensor, data.sensor),
      data.reason && coded("reason", data.reason, coded("code", data.reason))].filter(Boolean).join(" · ");
    case "gateway_compared": return coded("reason", data.result);
    case "state_changed": return t("fact.from_to", { from: t(`state.${data.from}`), to: t(`state.${data.to}`) });
    case "health_changed": return [t(`health.${data.to}`), ...(data.reasons ?? []).map((reason) => coded("code", reason))].join(" · ");
    case "process_started": case "process_died": return coded("process", data.process, data.process);
    case "user_signed_in": return [whoDid(by), data.device].filter(Boolean).join(" · ");
    case "user_sign_in_failed": return data.name ?? "";
    case "user_changed": return [data.user, changes(data.change ?? ""), whoDid(by)].filter(Boolean).join(" · ");
    default: return "";
  }
}

const relay = (data) => (data.relay ? coded("drive", data.relay, data.relay) : "");
function changes(said) {
  return said.split(", ").map((part) => {
    const [, deed, rest] = /^(added as|roles|display name) (.+)$/.exec(part) ?? [null, part, ""];
    const key = `change.${deed.replaceAll(" ", "_")}`;
    if (!has(key)) return part;
    return t(key, { what: deed === "display name" ? rest : rest.split(" ").map((role) => coded("role", role, role)).join(", ") });
  }).join("; ");
}

function motionRow(event, time) {
  const zones = event.zones.map((zone) => coded("zone", zone, zone)).join(", ");
  const length = event.ended_at ? (event.duration_s === null ? "" : duration(event.duration_s * 1000)) : t("motion.going_on");
  const lost = event.clip_state === "deleted" ? t("clip.deleted") : "";
  const thumb = h("span", { class: "thumb" }, event.thumbnail ? picture(event.thumbnail) : icon("camera"), event.clip && h("span", { class: "play" }, icon("play")));
  const words = h("span", { class: "entry-words" }, h("b", {}, t(`cause.${event.cause}`)), h("span", {}, [zones, length, lost].filter(Boolean).join(" · ")));
  return h("li", { class: "entry motion", "data-event": event.event_id },
    h("button", { type: "button", class: "entry-button", onclick: () => play(event) }, time, thumb, words));
}
