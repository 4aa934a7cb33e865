// What became of a command, read from the journal's facts: each end is told of what it ended.

import { duration } from "../format.js";
import { coded, has, t } from "../i18n.js";

const WAYS = { hold_open: "open", emergency_open: "open", lockdown: "close" };

const ESCAPES = ["beam", "edge"];
/** Tell whether a relay came on for a rule of its own, such as the timetable: neither for a command nor to back off. */
export const isRuled = ({ kind, by, data }) => kind === "drive_energised" && by.type === "rule" && Boolean(data.direction) && !ESCAPES.includes(by.id);

/** What became of each command: {accepted, undone: why it never ran, obstructed, lasts: of a mode, open/close: how the leaf ran that way}.
 *  What met the beam runs twice under one command: closing, which the beam ended, and opening again, which ends by itself.
 *  A rule's moves all bear the rule's name: each has its course under the id of the fact that began it. */
export function courseOf(facts) {
  const courses = new Map();
  for (const fact of [...facts].sort((a, b) => a.seq - b.seq)) {
    const { kind, data } = fact;
    if (!data.command_id) continue;
    let course = courses.get(data.command_id) ?? {};
    if (isRuled(fact) && !course.accepted) {
      course = {};
      courses.set(fact.id, course);
    }
    courses.set(data.command_id, course);
    if (kind === "command_accepted") course.accepted = true;
    else if (kind === "command_refused") course.undone = data.code;
    else if (kind === "obstructed") course.obstructed = true;
    else if (kind === "mode_changed") course.lasts ??= data.ends_in_s;
    else if (kind === "drive_energised") course[data.direction] ??= {};
    else if (kind === "drive_released") course[data.direction] = { why: data.why, ...course[data.direction] };
    else if (kind === "arrived") course[data.state === "open" ? "open" : "close"] = { travelMs: data.travel_ms, state: data.state };
  }
  return courses;
}
export function ending(run) {
  if (run?.travelMs !== undefined) return t(`ended.${run.state}`, { duration: duration(run.travelMs) });
  if (!run?.why || (!has(`ended.${run.why}`) && !has(`code.${run.why}`))) return ""; // a pulse that ended, and the leaf runs on
  return coded("ended", run.why, coded("code", run.why));
}

/** What came of an order to `command`; "" while it is under way, or when there is nothing to say. */
export function outcome(command, course) {
  if (course.obstructed) return t(course.open ? "ended.reversed" : "ended.beam");
  if (course.undone) return t("ended.undone", { why: coded("undone", course.undone, coded("code", course.undone)) });
  return ending(course[WAYS[command] ?? command]);
}
