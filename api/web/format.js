// Dates, times and durations as people here write them: 21:04 · 21:04 20/11 · 2 phút trước · 1 phút 20 giây.
// Always in the site's time zone, whatever the phone believes.

import { language, t } from "./i18n.js";
import { state } from "./store.js";

const formats = new Map(); // making one costs a cheap phone more than a frame

function parts(date, options) {
  const { timezone } = state.site;
  const key = `${timezone} ${Object.keys(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: timezone, hourCycle: "h23", ...options }));
  return Object.fromEntries(formats.get(key).formatToParts(date).map((part) => [part.type, part.value]));
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DATE = { year: "numeric", month: "2-digit", day: "2-digit" };
export function dayOf(date) {
  const { year, month, day } = parts(date, DATE);
  return `${year}-${month}-${day}`;
}
export function clock(at, seconds = false) {
  const { hour, minute, second } = parts(new Date(at), CLOCK);
  return seconds ? `${hour}:${minute}:${second}` : `${hour}:${minute}`;
}
export function moment(at) {
  const date = new Date(at);
  const day = dayOf(date);
  const today = dayOf(new Date());
  if (day === today) return clock(date);
  const { year, month, day: number } = parts(date, DATE);
  return `${clock(date)} ${number}/${month}${year === today.slice(0, 4) ? "" : `/${year}`}`;
}
/** Whether the sun is down over Vietnam, by the site's clock: from about 17:20 in December, from about 18:30 in June. */
export function sunIsDown() {
  const { month, hour, minute } = parts(new Date(), { ...DATE, ...CLOCK });
  return Math.abs(+hour + minute / 60 - 11.9) > 6 - 0.6 * Math.cos((month / 6) * Math.PI);
}

/** "2 giây trước", "3 phút trước"; rounded so that nothing looks much younger than it is. */
export function ago(ms) {
  return t("time.ago", { duration: duration(ms) });
}
export function duration(ms) {
  const total = Math.max(0, Math.round(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  if (hours) return [unit("hours", hours), minutes && unit("minutes", minutes)].filter(Boolean).join(" ");
  if (minutes) return [unit("minutes", minutes), seconds && unit("seconds", seconds)].filter(Boolean).join(" ");
  return unit("seconds", seconds);
}

// English has "1 second"; Vietnamese does not bend.
const unit = (name, count) => t(count === 1 ? `time.${name}_one` : `time.${name}`, { count });
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language() === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: digits }).format(value);
export function dayName(day) {
  const [, month, date] = day.split("-");
  const today = dayOf(new Date());
  const weekday = new Date(`${day}T12:00:00Z`).getUTCDay();
  const name = day === today ? t("day.today") : day === shift(today, -1) ? t("day.yesterday") : t(`day.${weekday}`);
  return t("day.named", { name, date, month });
}
export function shift(day, days) {
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
export function dayBegins(day) {
  const guess = new Date(`${day}T00:00:00Z`);
  const { year, month, day: date, hour, minute, second } = parts(guess, { ...DATE, ...CLOCK });
  const there = Date.UTC(year, month - 1, date, hour, minute, second);
  return new Date(guess.getTime() - (there - guess.getTime()));
}
