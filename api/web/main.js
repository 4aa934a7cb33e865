// The page's composition root: sign-in, the frame around the views, the clock that makes things grow old, and nothing else.

import { get, onSessionLost, send } from "./api.js";
import { attr, children, h, show, text } from "./dom.js";
import { ago, clock, hourNow } from "./format.js";
import { language, speak, t } from "./i18n.js";
import { icon } from "./icons.js";
import { change, mark, since, state, trust, watch } from "./store.js";
import * as stream from "./stream.js";
import { home } from "./views/home.js";

const LATE_MS = 12_000; // a beat comes every 10 s: until here silence is nothing to speak of
const ROUTES = { home: "#cong", diary: "#nhat-ky", more: "#them" };
const root = document.getElementById("app");
let frame = null; // what is on the screen: {view, draw, leave}
let code = null; // of the pairing link
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
  const hour = hourNow();
  const night = hour >= 18 || hour < 6;
  const dark = theme() === "dark" || (theme() === "auto" && (night || matchMedia("(prefers-color-scheme: dark)").matches));
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
  const other = language === "vi" ? "en" : "vi";
  return h("button", { type: "button", class: "text-button", lang: other, onclick: () => choose("language", other) }, t(`language.${other}`));
}
async function entered(me) {
  code = null;
  const { site } = me;
  change({ me, farewell: null, site, orders: {}, gate: null, heard: null, heardAt: null, link: "connecting", gateAnswers: true });
  const wanted = remembered("language", site.language);
  if (wanted !== language) await speak(wanted);
  colour();
  stream.start();
  rebuild();
}

function left(farewell) {
  stream.stop();
  change({ me: null, farewell, gate: null, heard: null, orders: {} });
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  rebuild();
}

async function signOut() {
  await send("DELETE", "/session").catch(() => {});
  left(null);
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

async function makeView(route) {
  if (route === "diary") return (await import("./views/diary.js")).diary();
  if (route === "more") return (await import("./views/more.js")).more({ choose, theme, signOut });
  return home();
}

async function framed() {
  const { route } = state;
  const view = await makeView(route);
  const name = h("h1", {});
  const mode = h("span", { class: "tag" });
  const fresh = h("span", { class: "fresh" });
  const outage = h("p", { class: "outage", role: "status" });
  const links = ["home", "diary", "urgent", "more"].map((each) => each === "urgent"
    ? h("button", { type: "button", class: "nav-urgent", onclick: openUrgent }, icon("urgent"), h("span", {}, t("nav.urgent")))
    : h("a", { href: ROUTES[each], "aria-current": each === route && "page" }, icon(each), h("span", {}, t(`nav.${each}`))));
  const header = h("header", { class: "top" }, name, mode, fresh);
  const main = h("main", { id: "main", tabindex: "-1", "data-route": route }, outage, view.element);
  const nav = h("nav", { class: "nav", "aria-label": t("nav.label") }, links);

  return {
    elements: [header, main, nav],
    leave: view.leave,
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

async function openUrgent() {
  const { urgent } = await import("./views/urgent.js");
  urgent();
}

function routed() {
  const wanted = Object.keys(ROUTES).find((each) => ROUTES[each] === location.hash) ?? "home";
  if (wanted === state.route) return;
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
  code = takeCode();
  state.route = Object.keys(ROUTES).find((each) => ROUTES[each] === location.hash) ?? "home";
  colour();
  await speak(remembered("language", "vi"));
  onSessionLost(() => state.me && left("signin.ended"));
  stream.onSignedOut(() => state.me && left("signin.ended"));
  watch(() => frame?.draw());
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
    change({});
  });
  setInterval(() => {
    if (document.hidden) return;
    colour();
    change({}); // a second has passed: ages grow, and what is too old is said to be
  }, 1000);
  if (code) await rebuild();
  else await greet();
}
async function greet() {
  for (let pause = 1000; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await entered(await get("/session"));
    } catch (problem) {
      if (problem.status === 401) {
        change({ me: null });
        return rebuild();
      }
      children(root, [h("main", { class: "signin" }, h("h1", {}, t("start.offline")), h("p", {}, t("start.retrying")))]);
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}

start();
