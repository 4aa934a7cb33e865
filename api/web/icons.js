// The page's few icons: strokes on a 24 grid, and the gate itself, which shows where the leaf is by shape, not by colour.

import { s } from "./dom.js";

const STROKES = {
  home: "M4 20V6m16 14V6M2 20h20M8 20V9h8v11M12 9v11",
  diary: "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
  urgent: "M12 3v3M4.5 6.5l2 2M19.5 6.5l-2 2M6 20v-6a6 6 0 0 1 12 0v6M4 20h16",
  more: "M4 7h16M4 12h16M4 17h16",
  stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8z",
  warn: "M12 4 2.5 20h19zM12 10v4M12 17v.5",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  note: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 7.5V8",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  phone: "M7 2.5h10v19H7zM11 18.5h2",
  camera: "M3 7h4l2-2h6l2 2h4v12H3zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 21a7.5 7.5 0 0 1 15 0",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  play: "M8 5v14l11-7z",
  tool: "M15 5a4 4 0 0 0-5 5l-6 6 4 4 6-6a4 4 0 0 0 5-5l-3 2-3-3z",
  hand: "M8 13V6a2 2 0 0 1 4 0v5m0-6a2 2 0 0 1 4 0v9a6 6 0 0 1-11 3l-2-4a2 2 0 0 1 3-1l2 2",
  light: "M9 18h6M10 21h4M8.5 14.5a5.5 5.5 0 1 1 7 0L15 16H9z",
  call: "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1.5 1.5 0 0 1-1.5 1.5A15.5 15.5 0 0 1 3.5 5.5 1.5 1.5 0 0 1 5 4z",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l2 2H4zM10 21.5h4",
  siren: "M4 10v4h3l5 4V6L7 10zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  reset: "M5 12a7 7 0 1 0 2.5-5.4M5 4v4h4",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.2 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.2 5.9-.8z",
  filter: "M3 5h18l-7 8v6l-4 2v-8z",
  next: "M9 5l7 7-7 7",
  previous: "M15 5l-7 7 7 7",
  slide: "M5 6l6 6-6 6M12 6l6 6-6 6",
  opened: "M3 4v16M21 4v16M7 12h10M14 9l3 3-3 3",
  closed: "M3 4v16M21 4v16M7 4v16M12 4v16M17 4v16",
  system: "M5 5h14v14H5zM9 9h6v6H9zM9 2v3M15 2v3M9 19v3M15 19v3M2 9h3M2 15h3M19 9h3M19 15h3",
};
export function icon(name, extra = "") {
  return s("svg", { class: `icon ${extra}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: STROKES[name] }));
}

/** The gate: two posts on the ground and a leaf between them. CSS moves the leaf by `data-state`, never by a guess of time. */
export function gateIcon() {
  const bars = [0, 7, 14, 21, 28].map((x) => s("path", { d: `M${11 + x} 14v26` }));
  const leaf = s("g", { class: "leaf" }, s("path", { d: "M10 14h30M10 40h30" }), bars);
  return s("svg", { class: "gate-icon", viewBox: "0 0 50 50", "aria-hidden": "true" },
    s("svg", { x: 8, y: 8, width: 34, height: 36, viewBox: "8 8 34 36", class: "gateway" }, leaf),
    s("path", { class: "arrow", d: "M17 27h16M27 21l6 6-6 6" }),
    s("path", { class: "question", d: "M19 20a6 6 0 1 1 8.5 5.4c-2 1-2.5 2.4-2.5 4.6M25 35v1" }),
    s("path", { class: "posts", d: "M6 8v36M44 8v36M2 45h46" }));
}
