// An event's clip: the native player (it asks for ranges by itself), frame by frame, at other speeds, or to keep.

import { attr, h, sheet, show } from "../dom.js";
import { clock, duration, number } from "../format.js";
import { coded, t } from "../i18n.js";
import { icon } from "../icons.js";

const STEP_S = 1 / 15;
export function picture(source) {
  const image = h("img", { src: source, alt: "", loading: "lazy", decoding: "async", width: 96, height: 54 });
  image.addEventListener("error", () => image.replaceWith(icon("camera")));
  return image;
}
export function play(event) {
  const title = `${t(`cause.${event.cause}`)} · ${clock(event.started_at, true)}`;
  const facts = [event.zones.map((zone) => coded("zone", zone, zone)).join(", "), event.duration_s && duration(event.duration_s * 1000),
    event.clip && t("clip.size", { mb: number(event.clip.bytes / 1e6, 1) })].filter(Boolean).join(" · ");
  const dialog = sheet(title, h("h2", {}, title), event.clip ? player(event) : still(event), h("p", { class: "fine" }, facts),
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
  dialog.classList.add("clip");
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
  const step = (by) => () => {
    video.pause();
    video.currentTime = Math.max(0, video.currentTime + by * STEP_S);
  };
  const speeds = [0.25, 0.5, 1, 2].map((speed) => h("button", { type: "button", class: "chip", "aria-pressed": String(speed === 1),
    onclick: () => {
      video.playbackRate = speed;
      for (const each of speeds) attr(each, "aria-pressed", String(each === speeds[[0.25, 0.5, 1, 2].indexOf(speed)]));
    } }, `${number(speed, 2)}×`));
  return h("div", { class: "player" }, video, failed, h("div", { class: "steps" },
    h("button", { type: "button", class: "icon-button", "aria-label": t("clip.back"), onclick: step(-1) }, icon("previous")),
    h("button", { type: "button", class: "icon-button", "aria-label": t("clip.on"), onclick: step(1) }, icon("next")),
    h("div", { class: "chips", role: "group", "aria-label": t("clip.speed") }, speeds),
    h("a", { class: "chip", href: event.clip.url, download: `${event.event_id}.mp4` }, t("clip.save"))));
}
