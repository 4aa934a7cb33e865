// Cổng: is it open or shut, surely? Can I act now? The picture, the one big word with what it rests on, what is wrong,
// DỪNG, and the two sliders. The word is never shown as current when it is not.

import { attr, h, show, text } from "../dom.js";
import { clock, duration, moment } from "../format.js";
import { t } from "../i18n.js";
import { gateIcon, icon } from "../icons.js";
import { give, running, STEPS } from "../orders.js";
import { live } from "../picture.js";
import { slider } from "../slide.js";
import { may, since, state, trust, until } from "../store.js";
import { askFirst, closing, FRESH_MS } from "./ask.js";
import { closingWords, hindrance, modeLine } from "./modes.js";
import { meant, noticeBox, sirenLine, troubleBox, unwell, whoDid } from "./told.js";

const DONE_MS = 5000; // how long "done" or "refused" stays in the slider
export function home() {
  const leaving = new AbortController();
  const picture = pictureBox(leaving.signal);
  const word = wordBlock();
  const trouble = troubleBox();
  const notice = noticeBox();
  const siren = sirenLine();
  const stop = stopButton();
  const open = moveSlider("open");
  const close = moveSlider("close");
  const barred = h("p", { class: "barred" }, icon("lock"), h("span", {}, t("move.no_right")));
  const day = h("section", { class: "day", "aria-label": t("diary.today"), hidden: true });
  const element = h("div", { class: "home" },
    h("div", { class: "watch" }, picture.element, word.element, h("div", { class: "told" }, trouble.element, siren.element, notice.element)),
    h("div", { class: "act" }, stop.element, open.element, close.element, barred, day));
  const list = besideDiary(day, leaving.signal);

  return {
    element,
    draw() {
      const belief = trust();
      picture.draw();
      word.draw(belief);
      notice.draw();
      siren.draw(belief);
      trouble.draw(belief, notice.title());
      stop.draw(belief);
      const moves = may("open");
      show(barred, !moves);
      for (const one of [open, close]) {
        show(one.element, moves);
        one.draw(belief);
      }
      list.draw();
    },
    leave() {
      leaving.abort();
      list.leave();
    },
  };
}
function pictureBox(signal) {
  const canvas = h("canvas", { width: 1280, height: 720 });
  const badge = h("span", { class: "badge" });
  const age = h("span", { class: "across" });
  const box = h("button", { type: "button", class: "picture", "data-picture": "waiting",
    onclick: () => enlarge(!document.body.hasAttribute("data-large")) }, canvas, badge, " ", age);
  let absent = false;
  let drawnAt = 0;
  const tell = live(canvas, {
    signal,
    drawn: () => {
      absent = false;
      if (box.dataset.picture !== "live" || Date.now() - drawnAt > 500) draw(); // its words need no 15 times a second
    },
    missing: () => {
      absent = true;
      draw();
    },
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && enlarge(false), { signal });
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || enlarge(false), { signal }); // a phone's way back
  signal.addEventListener("abort", () => enlarge(false));

  function draw() {
    drawnAt = Date.now();
    const off = state.gate?.processes?.camera?.off;
    const old = tell();
    const kind = off ? "off" : old === Infinity ? (absent ? "missing" : "waiting") : old > FRESH_MS ? "stale" : "live";
    attr(box, "data-picture", kind);
    text(age, kind === "live" ? "" : kind === "stale" ? t("picture.stale", { age: duration(old) }) : t(`picture.${kind}`));
    const belief = trust();
    const shown = belief === "live" ? t(`state.${state.gate.state}`) : t(`trust.${belief}`);
    const time = old === Infinity ? "" : clock(Date.now() - old, true);
    text(badge, kind === "live" ? `${shown} · ${time}` : time); // an old picture proves no state
    show(badge, old !== Infinity);
    attr(box, "aria-label", `${t("picture.label")}. ${badge.textContent} ${age.textContent}. ${t("picture.tap")}`);
  }
  return { element: box, draw, age: tell };
}

/** The picture over all of the screen, lying where a phone can be told to; where neither is possible, over all of the page. */
function enlarge(large) {
  attr(document.body, "data-large", large);
  if (large) document.documentElement.requestFullscreen?.()?.then(() => screen.orientation?.lock?.("landscape")).catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
}
function wordBlock() {
  const word = h("strong", { id: "state-word", class: "word" });
  const how = h("span", { class: "how" });
  const more = h("span", { class: "since" });
  const warning = h("span", { class: "countdown" });
  const mode = modeLine();
  const element = h("section", { class: "state", "aria-label": t("state.label") }, gateIcon(),
    h("div", { class: "says" }, h("div", { role: "status" }, word, how), more, warning), mode.element);

  return {
    element,
    draw(belief) {
      const { gate } = state;
      const sure = belief === "live";
      attr(element, "data-state", sure ? gate.state : belief);
      text(word, sure ? t(`state.${gate.state}`) : t(`trust.${belief}`));
      word.style.setProperty("--letters", word.textContent.length); // a long word is set smaller, to keep to one line
      text(how, sure ? t(`evidence.${gate.state}.${gate.evidence}`) : lastKnown(belief));
      text(more, sure ? [t("state.since", { time: moment(gate.since) }), whoDid(gate.by)].filter(Boolean).join(" · ")
        : belief === "waiting" ? "" : t(`trust.${belief}_next`));
      const left = sure ? until(gate.warning_until_mono_ms) : null;
      const next = !sure ? "" : left > 0 ? warned(gate, left) : closingWords(gate);
      show(warning, next);
      text(warning, next);
      mode.draw(sure ? gate : null);
    },
  };
}

/** What the lamp and the buzzer warn of: mostly a close; an emergency opens after a short warning too. */
function warned({ target }, left) {
  return t(target === "open" ? "warning.opens" : "warning.left", { duration: duration(Math.ceil(left / 1000) * 1000) });
}

function lastKnown(belief) {
  if (belief === "waiting") return t("trust.waiting_more");
  if (!state.gate) return t("trust.never");
  return t("trust.last_known", { state: t(`state.${state.gate.state}`), time: clock(state.heardAt, true) });
}
/** Stop acts when it is touched, not when it is let go: here waiting is the greater harm. It is never disabled. */
export function stopButton() {
  const small = h("span", { class: "stop-note" });
  let touched = -Infinity;
  const press = () => give("stop");
  const element = h("button", { type: "button", class: "stop",
    onpointerdown: (event) => {
      if (event.button !== 0) return;
      touched = performance.now();
      navigator.vibrate?.(40);
      press();
    },
    // Enter, Space and screen readers click without a pointer; a touch has already been acted upon.
    onclick: (event) => (event.detail === 0 || performance.now() - touched > 1500) && press() },
  icon("stop"), h("span", {}, h("span", { class: "stop-word" }, t("command.stop")), small));
  return {
    element,
    draw(belief) {
      const order = state.orders.stop;
      const recent = order && (running(order) || since(order.ended) < DONE_MS);
      attr(element, "data-trust", belief);
      text(small, recent ? t(`stop.${order.step}`) : belief === "live" ? "" : t("stop.offline"));
    },
  };
}
function moveSlider(command) {
  const go = (ask) => command === "close" ? closing(command, ask) : ask ? askFirst(command, () => give(command)) : give(command);
  const made = slider({ command, done: () => go(), question: () => go(true) });
  return { element: made.element, draw: (belief) => made.draw(appearance(command, belief)) };
}

function appearance(command, belief) {
  const idle = { words: t(`slide.${command}`), hint: t("slide.hint") };
  const { gate } = state;
  if (belief !== "live") return { ...idle, small: t(`trust.${belief}_short`), tone: "off", lock: true };
  const order = state.orders[command];
  if (running(order)) {
    return { hint: idle.words, words: t(`progress.${order.step}`), small: underway(order), step: STEPS.indexOf(order.step) + 1, tone: "busy", lock: true };
  }
  if (order?.step === "confirmed" && since(order.ended) < DONE_MS) {
    return { words: t("progress.confirmed"), step: 4, tone: "done", lock: true };
  }
  if (unwell(order) && !meant(order) && since(order.ended) < DONE_MS) return { ...idle, words: t(`slide.${order.step}`), small: idle.words, tone: "refused" };
  const there = command === "open" ? "open" : "closed";
  if (gate.state === there && gate.evidence === "limit" && (gate.target ?? there) === there) {
    return { ...idle, words: t(`slide.${command}.already`), tone: "off", lock: true };
  }
  return { ...idle, small: hindrance(command, gate) };
}

function underway(order) {
  if (order.step === "sending") return since(order.begun) > 2000 ? t("order.trying") : "";
  const left = until(state.gate.warning_until_mono_ms);
  if (order.step === "accepted" && left > 0) return warned(state.gate, left);
  return t("progress.for", { duration: duration(since(order.begun)) });
}
function besideDiary(place, signal) {
  const wide = matchMedia("(min-width: 1000px)");
  let list = null;
  const fit = async () => {
    show(place, wide.matches);
    if (!wide.matches || list) return;
    const { dayList } = await import("./diary.js");
    if (signal.aborted || list) return;
    list = dayList({ compact: true });
    place.append(h("h2", {}, t("diary.today")), list.element);
    list.draw();
  };
  wide.addEventListener("change", fit, { signal });
  fit();
  return { draw: () => list?.draw(), leave: () => list?.leave() };
}
