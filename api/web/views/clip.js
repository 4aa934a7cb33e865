// An event's clip: the native player (it asks for ranges by itself), frame by frame, at other speeds, the event before and
// after it; a mark for everybody, keeping it from deletion, evidence, or a copy.

import { send } from "../api.js";
import { attr, h, sheet, show, text } from "../dom.js";
import { clock, duration, number } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { state } from "../store.js";
import { dateOf, picture, visitWords } from "./entries.js";
import { evidence } from "./evidence.js";
import { whoDid } from "./told.js";
import { back, button, deed, failure, field, sayer } from "./under.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const MOST_TRIES = 20;
const SHOWN_MS = 300; // after it was found; the first and the last frame are not shown anew
export function play(event, beside = () => {}) {
  const title = `${t(`cause.${event.cause}`)} · ${clock(event.started_at, true)} ${dateOf(event.started_at)}`;
  const facts = [visitWords(event), event.clip && t("clip.size", { mb: number(event.clip.bytes / 1e6, 1) })].filter(Boolean).join(" · ");
  const made = event.clip ? player(event) : { element: still(event), step() {} };
  const other = (key, way) => {
    const next = beside(event, way);
    const made = button("plain-button", t(key), () => { dialog.close(); play(next, beside); });
    made.disabled = !next;
    return made;
  };
  const dialog = sheet(title, h("h2", {}, title), made.element, h("p", { class: "fine" }, facts), deeds(event),
    h("div", { class: "pair" }, other("clip.earlier", -1), other("clip.later", 1)),
    back());
  dialog.classList.add("clip");
  dialog.addEventListener("keydown", ({ key, target }) => target.tagName !== "INPUT" && made.step({ ",": -1, ".": 1 }[key]));
}

function still(event) {
  const why = event.clip_state === "deleted" ? "clip.deleted_long" : event.ended_at ? "clip.none" : "clip.recording";
  return h("div", { class: "still" }, event.thumbnail && picture(event.thumbnail), h("p", {}, t(why)));
}

function player(event) {
  const failed = h("p", { class: "form-error", role: "alert", hidden: true }, t("clip.broken"));
  const video = h("video", { src: event.clip.url, poster: event.thumbnail, controls: true, autoplay: true, playsinline: true, preload: "metadata",
    width: event.clip.width, height: event.clip.height, "aria-label": t("clip.label") });
  video.muted = true;
  video.addEventListener("error", () => show(failed, true));
  // A frame lasts as long as its camera took to the next one: by night, or on a busy board, many times the shortest. So a
  // step is as long as the shortest frame seen, and is taken again until another frame is shown: none is passed over.
  let [frameS, last, stepping] = [1 / 15, null, false];
  const look = (_, { mediaTime }) => {
    if (!video.paused && mediaTime - last > 0.03) frameS = Math.min(frameS, mediaTime - last);
    last = mediaTime;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback?.(look);
  const step = async (by) => {
    if (!by || stepping) return;
    stepping = true;
    video.pause();
    const from = last;
    let begun = null;
    for (let tries = from === null ? 1 : MOST_TRIES; tries && last === from && video.currentTime !== begun; tries -= 1) {
      begun = video.currentTime;
      video.currentTime += by * frameS;
      await new Promise((done) => {
        video.requestVideoFrameCallback?.(done);
        video.onseeked = () => setTimeout(done, SHOWN_MS);
      });
    }
    stepping = false;
  };
  const speeds = SPEEDS.map((speed) => h("button", { type: "button", class: "chip", "aria-pressed": String(speed === 1),
    onclick: ({ currentTarget }) => {
      video.playbackRate = speed;
      for (const each of speeds) attr(each, "aria-pressed", String(each === currentTarget));
    } }, `${number(speed, 2)}×`));
  const element = h("div", { class: "player" }, video, failed, h("div", { class: "steps" },
    button("icon-button", icon("previous"), () => step(-1), t("clip.back")), button("icon-button", icon("next"), () => step(1), t("clip.on")), h("span", {}, t("clip.frame")),
    h("div", { class: "chips", role: "group", "aria-label": t("clip.speed") }, speeds)));
  return { element, step };
}

/** What can be done with it, for who may; what is refused is said. */
function deeds(event) {
  const may = (right) => state.me.permissions.includes(right);
  const [note, say] = sayer("fine");
  const chip = (sign, onclick, words = "") => h("button", { type: "button", class: "chip", onclick }, icon(sign), h("span", {}, words));
  const star = chip("star", () => change(event.starred ? "DELETE" : "PUT", "star", {}).catch((problem) => say(failure(problem))));
  const hold = chip("lock", () => (event.held ? deed(() => change("DELETE", "hold"), say) : ask()));
  const why = field("keep.reason", { maxlength: 200 });
  const form = h("form", { novalidate: true, hidden: true }, why.element, h("button", { type: "submit", class: "main-button" }, t("keep.do")));
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    if (why.value()) deed(() => change("PUT", "hold", { reason: why.value() }), say);
    else why.input.focus();
  });

  function ask() {
    show(form, form.hidden);
    why.input.focus();
  }
  async function change(method, what, body) {
    Object.assign(event, await send(method, `/events/${event.event_id}/${what}`, body));
    show(form, false);
    draw();
  }
  function draw() {
    const { starred, held } = event;
    attr(star, "aria-pressed", String(Boolean(starred)));
    attr(hold, "aria-pressed", String(Boolean(held)));
    text(star.lastChild, t(starred ? "star.off" : "star.do"));
    text(hold.lastChild, t(held ? "keep.off" : "keep.do"));
    say([starred && t("star.by", { who: whoDid(starred.by) }), held && t("keep.by", { who: whoDid(held.by), why: held.reason })].filter(Boolean).join(" "));
  }
  draw();
  return h("div", { class: "deeds" }, h("div", { class: "chips" }, may("star") && star,
    may("evidence") && (event.clip || event.thumbnail) && [hold, chip("note", () => evidence({ event }), t("package.title"))],
    event.clip && h("a", { class: "chip", href: event.clip.url, download: `${event.event_id}.mp4` }, t("clip.save"))), form, note);
}
