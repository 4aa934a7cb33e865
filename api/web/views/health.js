// Sức khỏe: how the parts of the gate are now, as the gate says, and how they and its board were through the last days.

import { get } from "../api.js";
import { children, h, s, segments, show, text } from "../dom.js";
import { moment, number } from "../format.js";
import { coded, t } from "../i18n.js";
import { state, trust } from "../store.js";
import { systemPart } from "./more.js";
import { loader, row, under } from "./under.js";

export const style = "views/under.css";

const AGAIN_MS = 60_000;
const [WIDE, HIGH] = [320, 56];
const seconds = (value) => t("unit.s", { count: number(value, 1) });
const percent = (value) => `${number(value * 100)} %`;
const bytes = (value) => `${number(value / 1e9, 2)} GB`;
// A figure, how it is written, and how it is drawn: a line, a share of the time that was well, or how often.
const PLOTS = [["temperature_c", (value) => `${number(value, 1)} °C`], ["load", percent], ["memory_free_bytes", bytes], ["media_free_bytes", bytes],
  ["open_s", seconds], ["close_s", seconds], ["cycles", number, "often"],
  ...["gate", "camera", "beam", "clock", "broker"].map((part) => [`${part}_ok`, percent, "share"]), ["waiting", number]];

export function health() {
  const system = systemPart();
  const now = h("ul", { class: "rows" });
  const plots = h("div", { class: "plots" });
  const span = h("p", { class: "fine" });
  let days = 1;
  const choice = segments([1, 7, 30].map((count) => [count, t("health.days", { count })]), (count) => {
    days = count;
    choice.draw(days);
    loading.load();
  });
  const loading = loader(async () => {
    const asked = days;
    const told = await get(`/health/history?days=${asked}`);
    if (asked !== days) return setTimeout(loading.load); // another span was chosen in the meantime
    text(span, t("health.span", { time: moment(told.since) }));
    children(plots, PLOTS.map((each) => plot(told, ...each)).filter(Boolean));
  }, AGAIN_MS);
  choice.draw(days);
  loading.load();
  return {
    element: under("health.title", system.element, h("section", {}, h("h2", {}, t("health.now")), now),
      h("section", {}, h("h2", {}, t("health.before")), choice.element, loading.element, span, plots)),
    draw() {
      system.draw();
      loading.draw();
      show(now.parentElement, trust() === "live");
      if (trust() !== "live") return;
      children(now, present(state.gate));
    },
    leave() {},
  };
}

/** What the processes do not say of themselves: clock, beam, sight, and what was learned. */
function present({ clock_trusted: clock, inputs, alarms, reasons, travel_s: travel = {}, cycles, processes: { camera } }) {
  const bad = alarms.some(({ alarm }) => alarm === "beam_tamper") ? "beam_tamper" : reasons.find((code) => ["beam_test", "sensor_stale"].includes(code));
  const said = (key, good, words) => row(h("i", { class: "lamp" }), t(`health.${key}`), words, good ? "good" : good === false ? "care" : "off");
  const learned = ["open", "close"].filter((way) => travel[way]).map((way) => `${t(`command.${way}`)} ${seconds(travel[way])}`);
  const sight = camera.health?.sight;
  return [said("clock", clock, t(clock ? "health.good" : "code.clock_untrusted")),
    said("beam", "beam" in inputs ? !bad : null, !("beam" in inputs) ? t("process.off") : bad ? coded("alarm", bad, coded("code", bad)) : t(inputs.beam ? "health.beam_broken" : "health.good")),
    said("sight", typeof sight === "string" ? !sight : null, sight ? coded("reason", sight) : t(sight === "" ? "health.good" : camera.off ? "process.off" : "process.unknown")),
    said("travel", learned[0] && true, learned.join(" · ") || t("health.travel_none")), said("cycles", true, number(cycles))];
}

/** Make a small plot of one figure, with its words; null where nothing is known. */
function plot({ series, now }, name, words, sort) {
  const told = series[name];
  const values = sort !== "often" ? told : told.map((value, place) => (value === null || typeof told[place - 1] !== "number" ? null : Math.max(0, value - told[place - 1])));
  const known = [...values, sort ? null : now[name]].filter(Number.isFinite);
  if (!known.length) return null;
  const [least, most, sum] = [Math.min(...known), Math.max(...known), known.reduce((all, each) => all + each, 0)];
  const newest = sort === "often" ? sum : sort ? sum / known.length : known.at(-1);
  const label = t(`figure.${name}`);
  const said = sort ? words(newest) : t("health.between", { newest: words(newest), least: words(least), most: words(most) });
  const [step, room] = [WIDE / values.length, most - least];
  const x = (place) => `M${(step * (place + 0.5)).toFixed(1)} `;
  const y = (value) => (HIGH - 4 - (room ? (value - least) / room : 0.5) * (HIGH - 8)).toFixed(1);
  const bars = (from, to) => values.map((value, place) => (value === null || from(value) === to(value) ? "" : `${x(place)}${from(value)}V${to(value)}`)).join("");
  const line = () => values.map((value, place) => (value === null ? "" : `${x(place).replace("M", place && values[place - 1] !== null ? "L" : "M")}${y(value)}h.01`)).join("");
  const paths = sort === "share" ? [["well", bars(() => HIGH, (value) => HIGH * (1 - value))], ["bad", bars(() => 0, (value) => HIGH * (1 - value))]]
    : [sort ? ["well", bars(() => HIGH, (value) => HIGH - (value / (most || 1)) * HIGH)] : ["line", line()]];
  return h("figure", { class: `plot ${sort}` }, h("figcaption", {}, h("b", {}, label), h("span", {}, said)),
    s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}: ${said}` },
      paths.map(([look, d]) => s("path", { d, class: look, "stroke-width": look === "line" ? 2 : step }))));
}
