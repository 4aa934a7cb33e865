// The page's composition root: sign-in, the frame around the views, the clock that makes things grow old, and nothing else.

import { get, onSessionLost, send } from "./api.js";
import { attr, children, h, sheet, show, styled, text } from "./dom.js";
import { ago, clock, sunIsDown } from "./format.js";
import { language, speak, t } from "./i18n.js";
import { icon } from "./icons.js";
import { change, mark, since, state, trust, watch } from "./store.js";
import * as stream from "./stream.js";
import { askForNewer, keepPage } from "./update.js";
import { home } from "./views/home.js";

const SETTLED_MS = 3000; // what is wanted later is fetched when the first view has what it needs
const FIRST_WORD_MS = 400;
const LATE_MS = 12_000; // a beat comes every 10 s: until here silence is nothing to speak of
const ROUTES = { home: "#cong", diary: "#nhat-ky", more: "#them", people: "#nguoi", health: "#suc-khoe", timetable: "#lich", push: "#thong-bao" };
const NAV = ["home", "diary", "urgent", "more"]; // the routes that are not here stand under more
const root = document.getElementById("app");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let frame = null; // what is on the screen: {view, draw, leave}
let code = null; // of the pairing link
let link = null; // as it was at the last change
function remembered(name, otherwise) {
  try {
    return localStorage.getItem(name) ?? otherwise;
  } catch {
    return otherwise; // storage may be forbidden; the page works without
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // as above: it holds until the page is closed
  }
}

const theme = () => remembered("theme", "auto");
function colour() {
  const dark = theme() === "dark" || (theme() === "auto" && (sunIsDown() || matchMedia("(prefers-color-scheme: dark)").matches));
  attr(document.documentElement, "data-theme", dark ? "dark" : "light");
  attr(document.querySelector("meta[name=theme-color]"), "content", dark ? "#0b1115" : "#f2f6f7");
}

async function choose(setting, value) {
  remember(setting, value);
  if (setting === "language") await speak(value);
  colour();
  rebuild();
}

function switcher() {
  const other = language() === "vi" ? "en" : "vi";
  return h("button", { type: "button", class: "text-button", lang: other, onclick: () => choose("language", other) }, t(`language.${other}`));
}
async function entered(me, listening = false) {
  code = null;
  const { site } = me;
  change({ me, farewell: null, site, orders: {} });
  if (!listening || state.link === "lost") {
    change({ gate: null, heard: null, heardAt: null, link: "connecting", gateAnswers: true });
    stream.start();
  }
  const wanted = remembered("language", site.language);
  if (wanted !== language()) await speak(wanted);
  colour();
  if (globalThis.Notification?.permission === "granted") setTimeout(() => import("./views/push.js").then(({ renew }) => renew()).catch(() => {}), SETTLED_MS);
  setTimeout(() => loadUrgent().catch(() => {}), SETTLED_MS); // in an emergency it must be there, and no worker may be yet
  await firstWord();
  rebuild();
}

/** A view that begins with what is true does not jump a moment later; but nobody waits long for that. */
const firstWord = () => new Promise((done) => {
  const stop = watch(() => {
    if (!state.gate) return;
    stop();
    done();
  });
  setTimeout(done, state.gate ? 0 : FIRST_WORD_MS);
});

function left(farewell) {
  stream.stop();
  change({ me: null, farewell, gate: null, heard: null, orders: {} });
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  rebuild();
}

/** The words for a session that ended by itself: who was in the middle of something must know what became of it. */
function ending() {
  if (Object.values(state.orders).some(({ step }) => step === "sending")) return "signin.ended_sending";
  return ["opening", "closing"].includes(state.gate?.state) ? "signin.ended_moving" : "signin.ended";
}

async function signOut() {
  await send("DELETE", "/session").then(() => left(null), () =>
    state.me && sheet(t("more.sign_out"), h("p", { role: "alert" }, t("more.signed_in"))));
}
let turn = 0;

async function rebuild() {
  const mine = (turn += 1);
  const made = state.me === null || code ? await gateless() : state.me ? await framed() : null;
  if (!made) return;
  if (mine !== turn) return made.leave(); // overtaken while its module was on its way
  frame?.leave();
  frame = made;
  children(root, frame.elements);
  frame.draw();
}

async function gateless() {
  const { signIn } = await import("./views/signin.js");
  return signIn({ code, entered, switcher, instead });
}

function instead() {
  code = null;
  if (state.me === undefined) change({ me: null });
  rebuild();
}

/** A view is views/<route>.js with a function of that name; home is part of the first load. */
async function makeView(route) {
  if (route === "home") return home();
  const module = await import(`./views/${route}.js`);
  if (module.style) await Promise.race([styled(module.style), pause(SETTLED_MS)]); // plain, on a network that swallows it
  return module[route]({ choose, theme, signOut });
}

/** A view whose module can't be fetched: no network, and no service worker that kept it. */
function missing() {
  const element = h("div", { class: "plain" }, h("p", { role: "alert" }, t("view.missing")),
    h("button", { type: "button", class: "plain-button", onclick: rebuild }, t("do.retry")));
  return { element, draw() {}, leave() {} };
}

async function framed() {
  const { route } = state;
  const view = await makeView(route).catch(() => missing());
  const name = h("h1", {});
  const mode = h("span", { class: "tag" });
  const fresh = h("span", { class: "fresh" });
  const outage = h("p", { class: "outage", role: "status" });
  const here = NAV.includes(route) ? route : "more";
  const links = NAV.map((each) => each === "urgent"
    ? h("button", { type: "button", class: "nav-urgent", onclick: openUrgent }, icon("urgent"), h("span", {}, t("nav.urgent")))
    : h("a", { href: ROUTES[each], "aria-current": each === here && (here === route ? "page" : "true") }, icon(each), h("span", {}, t(`nav.${each}`))));
  const header = h("header", { class: "top" }, name, mode, fresh);
  const main = h("main", { id: "main", tabindex: "-1", "data-route": route }, outage, view.element);
  const nav = h("nav", { class: "nav", "aria-label": t("nav.label") }, links);

  return {
    ...view,
    elements: [header, main, nav],
    draw() {
      const belief = trust();
      text(name, state.site.name || t("page.title"));
      const simulated = t("more.simulated");
      text(mode, simulated);
      show(mode, state.me?.simulated && !name.textContent.toLowerCase().includes(simulated.toLowerCase()));
      attr(document.body, "data-trust", belief);
      attr(fresh, "data-trust", belief);
      attr(fresh, "data-late", belief === "live" && since(state.heard) > LATE_MS);
      text(fresh, freshness(belief));
      const gone = ["offline", "stale", "silent"].includes(belief);
      show(outage, gone && route !== "home"); // on home the big word says it
      text(outage, gone ? `${t(`trust.${belief}`)}. ${freshness(belief)}` : "");
      document.title = `${belief === "live" ? t(`state.${state.gate.state}`) : t(`trust.${belief}`)} · ${name.textContent}`;
      view.draw();
    },
  };
}

function freshness(belief) {
  if (belief === "waiting") return t("fresh.waiting");
  if (!state.heard) return t("fresh.never");
  if (belief === "live") return since(state.heard) > LATE_MS ? ago(since(state.heard)) : t("fresh.live");
  return t("fresh.since", { time: clock(state.heardAt, true) });
}

const loadUrgent = () => import("./views/urgent.js");
async function openUrgent() {
  try {
    (await loadUrgent()).urgent();
  } catch {
    sheet(t("nav.urgent"), h("p", { role: "alert" }, t("view.missing")));
  }
}

/** What is wanted by the address; a view may find more of it behind a "/". */
const addressed = () => Object.keys(ROUTES).find((each) => ROUTES[each] === location.hash.split("/")[0]) ?? "home";

function routed() {
  const wanted = addressed();
  if (wanted === state.route) return frame?.arrive?.();
  if (frame?.keeps?.(location.hash)) return history.replaceState(null, "", ROUTES[state.route]); // it asks first
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  change({ route: wanted });
  rebuild().then(() => document.getElementById("main")?.focus({ preventScroll: true }));
}
/** Take the one-time code out of the address at once: neither history nor a shared screenshot may keep it. */
function takeCode() {
  const found = /^#pair=([\w-]+)$/.exec(location.hash)?.[1] ?? null;
  if (found) history.replaceState(null, "", location.pathname);
  return found;
}

async function start() {
  // From sw-push.js; the browser keeps it for nobody who comes later.
  navigator.serviceWorker?.addEventListener("message", ({ data }) => data.open && (location.hash = data.open));
  code = takeCode();
  colour();
  const asked = code ? null : get("/session");
  if (asked) stream.start(); // words, session and stream are on their way together
  asked?.catch(() => {}); // greet() asks what came of it
  while (!(await speak(remembered("language", "vi")).then(() => true, () => false))) await pause(1000);
  state.route = addressed(); // what the address became while the words came, too
  onSessionLost(() => state.me && left(ending()));
  stream.onSignedOut(() => state.me && left(ending()));
  watch(() => {
    if (state.link === "open" && link !== "open") askForNewer(); // the gate was away, perhaps to be updated
    link = state.link;
    frame?.draw();
  });
  addEventListener("hashchange", () => {
    const found = takeCode();
    if (!found) return routed();
    code = found;
    return rebuild();
  });
  addEventListener("offline", () => change({ cut: mark() }));
  addEventListener("online", () => stream.nudge(true));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    stream.nudge();
    askForNewer();
    change({});
  });
  setInterval(() => {
    if (document.hidden) return;
    colour();
    change({}); // a second has passed: ages grow, and what is too old is said to be
  }, 1000);
  setTimeout(keepPage, SETTLED_MS);
  if (code) await rebuild();
  else await greet(asked);
}
async function greet(asked) {
  for (let later = 1000; ; later = Math.min(later * 2, 8000), asked = get("/session")) {
    try {
      return await entered(await asked, true);
    } catch (problem) {
      if (problem.status === 401) {
        stream.stop();
        change({ me: null });
        return rebuild();
      }
      children(root, [h("main", { class: "signin" }, h("h1", {}, t("start.offline")), h("p", {}, t("start.retrying")))]);
      await pause(later);
    }
  }
}

start();
