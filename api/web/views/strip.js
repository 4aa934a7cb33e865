// The day from midnight to midnight, as it was counted: alarms, moves of the gate, motion. A slider over it goes to a time.

import { attr, h, s, text } from "../dom.js";
import { clock, number } from "../format.js";
import { t } from "../i18n.js";

/** The moment so long after another, as the journal writes it. */
export const later = (at, ms) => new Date(Date.parse(at) + ms).toISOString();

/** Make it. `jump(until)`: what was before that moment is wanted; null: all of the day. */
export function strip(jump) {
  const lanes = ["motion", "moves", "alarms"].map((name) => s("path", { class: name }));
  const chart = s("svg", { viewBox: "0 0 144 30", preserveAspectRatio: "none", role: "img" }, lanes);
  const label = h("output", {});
  const at = () => later(known.since, input.value * known.step_s * 1000);
  const input = h("input", { type: "range", min: 1, max: 144, "aria-label": t("diary.until"), oninput: say, onchange: () => jump(input.value === input.max ? null : at()) });
  const element = h("div", { class: "strip" }, chart, input, label, h("div", { class: "hours", "aria-hidden": "true" }, [0, 6, 12, 18, 24].map((hour) => h("span", {}, hour))));
  let known = null;
  let drawn;

  function say() {
    const all = !known || input.value === input.max;
    text(label, all ? "" : clock(at()));
    attr(input, "aria-valuetext", all ? t("diary.newest") : clock(at()));
    element.style.setProperty("--at", input.value / input.max);
  }
  return {
    element,
    draw({ count, until }) {
      if (drawn === `${count?.day} ${count?.turn} ${until}`) return;
      drawn = `${count?.day} ${count?.turn} ${until}`;
      known = count;
      input.disabled = !count;
      const { motion = [], moves = [], alarms = [] } = count ?? {};
      const most = Math.max(4, ...motion);
      const path = (counts, one) => counts.map((much, place) => (much ? one(place + 0.5, much) : "")).join("");
      attr(lanes[0], "d", path(motion, (x, much) => `M${x} 30v-${(Math.sqrt(much / most) * 14).toFixed(1)}`));
      attr(lanes[1], "d", path(moves, (x) => `M${x} 9v5`));
      attr(lanes[2], "d", path(alarms, (x) => `M${x} 0l1.6 4-1.6 4-1.6-4z`));
      const sum = (counts) => number(counts.reduce((all, much) => all + much, 0));
      attr(chart, "aria-label", t("diary.counted", { motion: sum(motion), moves: sum(moves), alarms: sum(alarms) }));
      attr(chart, "viewBox", `0 0 ${motion.length || 144} 30`);
      attr(input, "max", motion.length || 144);
      input.value = until && count ? Math.ceil((Date.parse(until) - Date.parse(count.since)) / count.step_s / 1000) : input.max;
      say();
    },
  };
}
