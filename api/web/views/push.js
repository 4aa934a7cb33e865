// Thông báo: whether this phone is told of alarms while the page is closed, of which, and when. Notification needs a secure
// page, a service worker, and the officer's consent; each that is missing has its sentence.

import { get, send } from "../api.js";
import { attr, children, h, segments, show, text } from "../dom.js";
import { moment } from "../format.js";
import { language, t } from "../i18n.js";
import { icon } from "../icons.js";
import { button, failure, field, loader, row, sayer, under, waiting } from "./under.js";

export const style = "views/under.css";

const LEVELS = ["urgent", "warning", "notice"];
const PATIENCE_MS = 15_000;
const HOURS = { start: "05:30", end: "22:00" }; // to begin with, where somebody wants hours

export function push() {
  let [told, here] = [null, null]; // what the gate says, this browser's subscription
  const now = h("ul", { class: "rows" });
  const on = button("main-button", t("push.turn_on"), () => doing(enable));
  const test = button("plain-button", t("push.try"), () => doing(async () => {
    await send("POST", "/push/phone/test", {});
    return t("push.tried");
  }));
  const off = button("plain-button", t("push.turn_off"), () => doing(disable));
  const [note, say] = sayer("outage");
  const level = segments(LEVELS.map((each) => [each, t(`push.${each}`)]), (least) => choose({ least }));
  const more = h("p", { class: "fine" });
  const when = segments([["", t("push.any_hour")], ["hours", t("push.some_hours")]], (some) => choose(some ? HOURS : { start: null, end: null }));
  const [start, end] = ["from", "to"].map((each) => field(`push.${each}`, { type: "time", onchange: hours }));
  const within = h("div", { class: "span" }, start.element, end.element);
  const urgent = h("button", { type: "button", class: "switch", role: "switch", onclick: () => choose({ urgent_always: !told.choice.urgent_always }) },
    h("span", { class: "switch-words" }, t("push.urgent_always")), h("span", { class: "switch-track" }));
  const phones = h("ul", { class: "rows" });
  const part = (key, ...content) => h("section", { role: "group", "aria-label": t(key), hidden: true }, h("h3", {}, t(key)), content);
  const parts = [part("push.here", now, on, test, off, note), part("push.what", level.element, more), part("push.when", when.element, within, urgent),
    part("push.phones", phones, h("p", { class: "fine" }, t("push.weekly")))];
  const loading = loader(async () => {
    [told, here] = await Promise.all([get("/push"), subscription()]);
    fill();
  });
  loading.load();

  function fill() {
    const { choice, phones: all } = told;
    const bar = barrier();
    const mine = !bar && here && all.some(({ current }) => current);
    children(now, [row(icon(mine ? "check" : "phone"), t(mine ? "push.on" : "push.off"), bar && t(`push.${bar}`))]);
    show(on, !mine && !bar);
    for (const each of [test, off]) show(each, mine);
    level.draw(choice.least);
    text(more, t(`push.${choice.least}_more`));
    when.draw(choice.start ? "hours" : "");
    for (const each of [within, urgent]) show(each, choice.start);
    [start.input.value, end.input.value] = [choice.start, choice.end];
    attr(urgent, "aria-checked", String(choice.urgent_always));
    children(phones, all.length ? all.map(phone) : [row(icon("phone"), t("push.none"))]);
    for (const each of parts) show(each, true);
  }

  async function doing(act) {
    say("");
    try {
      const said = await waiting(act);
      fill();
      say(said);
    } catch (problem) {
      say("status" in problem ? failure(problem) : t("push.failed")); // the gate's answer, or the browser's own error
    }
  }

  const choose = (change) => doing(async () => {
    told = await send("PUT", "/push/choice", { ...told.choice, ...change });
  });
  function hours() {
    if (start.value() && end.value()) choose({ start: start.value(), end: end.value() });
  }

  async function enable() {
    if (await Notification.requestPermission() === "granted") told = await subscribe(told.public_key);
    here = await subscription();
  }

  async function disable() {
    await send("DELETE", "/push/phone");
    await here?.unsubscribe().catch(() => {});
    [told, here] = [await get("/push"), null];
  }

  return { element: under("push.title", h("p", { class: "fine" }, t("lead.push")), loading.element, parts), draw: loading.draw, leave() {} };
}

function phone({ device, current, told_at: at, trouble }) {
  const last = trouble ? t(`reason.${trouble}`) : at ? t("push.told", { time: moment(at) }) : t("push.never");
  return row(icon(trouble ? "warn" : "phone"), device || t("pair.unnamed"), [current && t("phones.this"), last].filter(Boolean).join(" · "), trouble && "care");
}

/** Why this browser can get no notifications: the key of a sentence; null where it can. */
function barrier() {
  if (!isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return /iP(hone|ad)/.test(navigator.userAgent) ? "install" : "unable";
  return Notification.permission === "denied" ? "denied" : null;
}

/** This page's service worker; it is registered a moment after the start. Null where none comes. */
function worker() {
  return Promise.race([navigator.serviceWorker.ready, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
}

async function subscription() {
  return barrier() || Notification.permission !== "granted" ? null : (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription();
}

/** Subscribe this browser with the gate's key, and tell the gate. A subscription with another key is in the way. */
async function subscribe(key) {
  const { pushManager } = await worker();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const made = await pushManager.subscribe(options).catch(async () => {
    await (await pushManager.getSubscription())?.unsubscribe();
    return pushManager.subscribe(options);
  });
  const { endpoint, keys } = made.toJSON();
  return send("PUT", "/push/phone", { endpoint, keys, language: language() });
}

/** A browser that was subscribed and did not take it back stays so: after a new sign-in, with a new key of the gate, and where
 *  the browser lost it. */
export async function renew() {
  const { public_key: key, phones } = await get("/push");
  const mine = phones.find(({ current }) => current);
  if (await subscription() ? !mine || mine.trouble : mine) await subscribe(key);
}
