// The rows of the diary: what stands in one, in words. A command or a move is one row with how it ended, wrong sign-ins that
// follow each other are one row with their count, everything else is a row for itself.

import { h } from "../dom.js";
import { clock, dayOf, duration, number } from "../format.js";
import { coded, has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { courseOf, ending, outcome } from "./course.js";
import { alarmWords, whoDid } from "./told.js";

const MOVES = ["command_accepted", "arrived"];
const DRIVES = ["drive_energised", "drive_released"];
const ALARMS = ["command_refused", "obstructed", "reversed", "alarm_raised", "alarm_acknowledged", "health_changed", "mode_changed",
  "sensor_degraded", "sensor_recovered", "gateway_compared", "storage_low", "process_died", "state_changed"];
const SYSTEM = ["boot", "shutdown", "process_started", "user_signed_in", "user_changed", "config_changed", "timetable_changed",
  "clock_changed", "broker_connected", "broker_lost", "event_held", "event_released", "evidence_taken", "evidence_sealed"];
const RED = ["alarm_raised", "obstructed", "reversed"];

/** The kinds of facts of which the rows of a filter are made. */
export const kindsOf = (filtered) => (filtered === "motion" ? [] : filtered === "system" ? [...SYSTEM, ...DRIVES] : [...MOVES, ...DRIVES, ...ALARMS]);
export const wanted = ({ type }, filtered) => (filtered === "notable" ? type !== "system" : type === filtered);

/** Every row there is, newest first, down to where both lists are complete: an older page never slips in between rows
 *  already read. `failed`: runs of wrong sign-ins. */
export function entriesOf({ journal, events }, failed) {
  const floor = [journal, events].filter((from) => !from.done).reduce((latest, from) => (from.oldest > latest ? from.oldest : latest), "");
  const motions = [...events.items.values()].map((event) => ({ key: event.event_id, type: "motion", at: event.started_at, seq: event.seq, event }));
  const runs = failed.map((run) => ({ key: run.first_at, type: "alarm", at: run.last_at, seq: 0, by: {}, kind: "user_sign_in_failed", data: run }));
  return [...motions, ...runs, ...fold([...journal.items.values()])].filter((entry) => entry.at >= floor)
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

export const dateOf = (at) => dayOf(new Date(at)).slice(5).split("-").reverse().join("/");

/** Make a row. `dated`: with its date; `open(event)`: somebody wants to watch it. */
export function rowOf(entry, dated, open) {
  const time = h("time", { datetime: entry.at }, clock(entry.at), dated && h("small", {}, dateOf(entry.at)));
  if (entry.type === "motion") return motionRow(entry.event, time, open);
  const [sign, title, more, tone] = wordsOf(entry);
  return h("li", { class: "entry", "data-type": entry.type, "data-tone": tone }, time, h("span", { class: "sign" }, icon(sign)),
    h("span", { class: "entry-words" }, h("b", {}, title), more && h("span", {}, more)));
}

/** A fact that is not as this page knows it, of a newer gate perhaps, costs its own words and no other row. */
function wordsOf(entry) {
  try {
    return entry.type === "move" ? moveWords(entry) : factWords(entry);
  } catch {
    return ["note", coded("fact", entry.kind, entry.kind)];
  }
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
    case "user_sign_in_failed": return [data.count > 1 && t("fact.times", { count: number(data.count), time: clock(data.first_at) }), data.names.join(", ")].filter(Boolean).join(" · ");
    case "event_held": case "event_released": case "evidence_taken": return [data.reason, whoDid(by)].filter(Boolean).join(" · ");
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

/** What is known of a visit: where, which way, how large, how long. */
export function visitWords(event) {
  const ways = [...new Set((event.crossings ?? []).map(({ direction }) => t(`way.${direction}`)))];
  const length = event.ended_at ? (event.duration_s === null ? "" : duration(event.duration_s * 1000)) : t("motion.going_on");
  return [event.zones.map((zone) => coded("zone", zone, zone)).join(", "), ways.join(", "), length].filter(Boolean).join(" · ");
}

export function picture(source) {
  const image = h("img", { src: source, alt: "", loading: "lazy", decoding: "async", width: 96, height: 54 });
  image.addEventListener("error", () => image.replaceWith(icon("camera")));
  return image;
}

function motionRow(event, time, open) {
  const lost = event.clip_state === "deleted" ? t("clip.deleted") : "";
  const marks = [event.starred && ["star", "star.on"], event.held && ["lock", "keep.on"]].filter(Boolean)
    .map(([sign, words]) => h("span", { class: "mark", role: "img", "aria-label": t(words) }, icon(sign)));
  return h("li", { class: "entry motion", "data-event": event.event_id },
    h("button", { type: "button", class: "entry-button", onclick: () => open(event) }, time,
      h("span", { class: "thumb" }, event.thumbnail ? picture(event.thumbnail) : icon("camera"), event.clip && h("span", { class: "play" }, icon("play"))),
      h("span", { class: "entry-words" }, h("b", {}, t(`cause.${event.cause}`), marks), h("span", {}, [visitWords(event), lost].filter(Boolean).join(" · ")))));
}
