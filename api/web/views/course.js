// What became of a command, read from the journal's facts: each end is told of what it ended.

import { duration } from "../format.js";
import { coded, t } from "../i18n.js";

/** What became of each command: {accepted, undone: why it never ran, obstructed, open/close: how the leaf ran that way}.
 *  What met the beam runs twice under one command: closing, which the beam ended, and opening again, which ends by itself. */
export function courseOf(facts) {
  const courses = new Map();
  for (const { kind, data } of [...facts].sort((a, b) => a.seq - b.seq)) {
    if (!data.command_id) continue;
    const course = courses.get(data.command_id) ?? {};
    courses.set(data.command_id, course);
    if (kind === "command_accepted") course.accepted = true;
    else if (kind === "command_refused") course.undone = data.code;
    else if (kind === "obstructed") course.obstructed = true;
    else if (kind === "drive_energised") course[data.direction] ??= {};
    else if (kind === "drive_released") course[data.direction] = { why: data.why, ...course[data.direction] };
    else if (kind === "arrived") course[data.state === "open" ? "open" : "close"] = { travelMs: data.travel_ms, state: data.state };
  }
  return courses;
}

/** How a run of the leaf ended; "" while it runs. */
export function ending(run) {
  if (run?.travelMs !== undefined) return t(`ended.${run.state}`, { duration: duration(run.travelMs) });
  return run?.why ? coded("ended", run.why, coded("code", run.why)) : "";
}

/** What came of an order to `command`; "" while it is under way, or when there is nothing to say. */
export function outcome(command, course) {
  if (course.obstructed) return t(course.open ? "ended.reversed" : "ended.beam");
  if (course.undone) return t("ended.undone", { why: coded("undone", course.undone, coded("code", course.undone)) });
  return ending(course[command]);
}
