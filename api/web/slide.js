// Slide to move the gate: the thumb starts on the knob, carries it over 70 % of the track, and lets go there. Sliding back
// takes it back, and nothing shorter does anything, so neither a pocket nor a scroll moves the gate. Without dragging:
// hold Enter or Space for 600 ms; hold the knob for 600 ms, or activate it by a screen reader, and a question follows.

import { attr, h, text } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

const NEEDED = 0.7; // of the track's width
const HOLD_MS = 600;
const QUICKEST_MS = 120; // no thumb crosses the track faster; noise on a wet screen does
const ARC_PX = 140; // a thumb draws an arc; this far above or below is still the same stroke
const STILL_PX = 8;

/** Make a slider. `command`: open or close. `done()`: the gesture is complete. `question()`: ask before doing it. */
export function slider({ command, done, question }) {
  const label = h("span", { class: "slide-label" });
  const note = h("span", { class: "slide-note" });
  const steps = h("span", { class: "slide-steps", "aria-hidden": "true" }, [0, 1, 2, 3].map(() => h("i")));
  const knob = h("span", { class: "slide-knob", "aria-hidden": "true" }, icon("slide"));
  const track = h("button", { type: "button", class: "slide", "data-command": command },
    h("span", { class: "slide-fill", "aria-hidden": "true" }), knob, h("span", { class: "slide-text" }, label, note), steps);
  let locked = false;
  let stroke = null;
  let held = null;
  let spoken = "";

  const buzz = (ms) => navigator.vibrate?.(ms);
  const ready = () => Boolean(stroke) && stroke.far >= NEEDED && performance.now() - stroke.begun >= QUICKEST_MS;

  function reset() {
    clearTimeout(held);
    if (stroke) track.releasePointerCapture?.(stroke.id);
    stroke = null;
    held = null;
    delete track.dataset.stroke;
    track.style.removeProperty("--far");
    text(label, spoken);
  }

  track.addEventListener("pointerdown", (event) => {
    if (stroke) return reset(); // a second finger: not a deliberate stroke
    const box = knob.getBoundingClientRect();
    if (locked || event.button !== 0 || event.clientX > box.right + 16) return;
    track.setPointerCapture(event.pointerId);
    stroke = { id: event.pointerId, x: event.clientX, y: event.clientY, begun: performance.now(), far: 0, told: false };
    track.dataset.stroke = "held";
    buzz(8);
    held = setTimeout(() => {
      if (!stroke) return;
      reset();
      question();
    }, HOLD_MS);
  });

  track.addEventListener("pointermove", (event) => {
    if (event.pointerId !== stroke?.id) return;
    if (Math.abs(event.clientY - stroke.y) > ARC_PX) return reset();
    const moved = event.clientX - stroke.x;
    if (Math.abs(moved) > STILL_PX || Math.abs(event.clientY - stroke.y) > STILL_PX) clearTimeout(held);
    const room = track.clientWidth - knob.offsetWidth - 2 * knob.offsetLeft;
    stroke.far = moved / track.clientWidth;
    track.style.setProperty("--far", `${Math.max(0, Math.min(moved, room))}px`);
    const enough = stroke.far >= NEEDED;
    if (enough !== stroke.told) {
      stroke.told = enough;
      track.dataset.stroke = enough ? "enough" : "held";
      text(label, enough ? t(`slide.${command}.release`) : spoken);
      buzz(enough ? 25 : 8);
    }
  });

  track.addEventListener("pointerup", (event) => {
    if (event.pointerId !== stroke?.id) return;
    const complete = ready();
    reset();
    if (complete) done();
  });
  track.addEventListener("pointercancel", reset);

  track.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return reset();
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault(); // or the button would click by itself
    if (event.repeat || held || locked) return;
    track.dataset.stroke = "keyed";
    held = setTimeout(() => {
      reset();
      done();
    }, HOLD_MS);
  });
  track.addEventListener("keyup", (event) => {
    if (event.key === "Enter" || event.key === " ") event.preventDefault();
    if (!stroke) reset();
  });
  track.addEventListener("blur", reset);
  // A click without pointer or key comes from assistive technology. A finger's or mouse's own click has a detail.
  track.addEventListener("click", (event) => event.detail === 0 && !locked && question());

  return {
    element: track,
    /** Draw it: `words` in the middle, `small` below, `step` 0–4 of the order's progress, `tone`, and whether it may move. */
    draw({ words, small = "", step = 0, tone = "ready", lock = false, hint = "" }) {
      if (lock && !locked) reset();
      locked = lock;
      spoken = words;
      if (track.dataset.stroke !== "enough") text(label, words);
      text(note, small);
      attr(track, "data-tone", tone);
      attr(track, "aria-disabled", lock && "true");
      attr(track, "aria-description", hint);
      steps.childNodes.forEach((dot, place) => attr(dot, "data-on", place < step));
    },
  };
}
