// Thêm: who I am, my phones, language and colours, and how the gate's parts are.

import { get, send } from "../api.js";
import { attr, children, h, sheet, show, text } from "../dom.js";
import { moment, number } from "../format.js";
import { coded, language, t } from "../i18n.js";
import { icon } from "../icons.js";
import { state, trust } from "../store.js";
import { secrets } from "./signin.js";
import { back, button, failure, loader, sayer, waiting } from "./under.js";

// What stands below Thêm: its route, where it is, its sign, the right that it needs.
const PLACES = [["timetable", "#lich", "clock", "see"], ["push", "#thong-bao", "bell", "see"], ["health", "#suc-khoe", "system", "see"], ["people", "#nguoi", "person", "users"]];
const PROCESSES = ["gate", "keeper", "camera", "mqtt_bridge", "api"];
export function more({ choose, theme, signOut }) {
  const system = systemPart();
  const phones = phonesPart();
  const { user, permissions, simulated, ways } = state.me;
  const playground = h("div", { hidden: true });
  let gone = false;
  let leaveYard = () => {};
  if (simulated && permissions.includes("yard")) import("./yard.js").then(({ yard }) => {
    if (gone) return;
    const panel = yard();
    leaveYard = panel.leave;
    playground.append(panel.element);
    show(playground, true);
  });
  const element = h("div", { class: "more" },
    h("section", {}, h("h2", {}, t("more.me")), h("ul", { class: "rows" },
      h("li", {}, icon("person"), h("span", {}, user.display_name || user.name,
        h("small", {}, user.roles.map((role) => coded("role", role, role)).join(", "))))),
    ways.length < 2 && !simulated && h("p", { class: "outage" }, t("secrets.urge")),
    button("plain-button", t("secrets.title"), secrets),
    permissions.includes("move") ? null : h("p", { class: "fine" }, t("move.no_right"))),
    h("ul", { class: "rows" }, PLACES.filter(([, , , right]) => permissions.includes(right)).map(([name, address, sign]) =>
      h("li", {}, h("a", { class: "place", href: address }, icon(sign), h("span", {}, t(`${name}.title`), h("small", {}, t(`lead.${name}`))), icon("next"))))),
    phones.element,
    h("section", {}, h("h2", {}, t("more.look")),
      options("language", ["vi", "en"], language(), choose), options("theme", ["auto", "light", "dark"], theme(), choose)),
    system.element, playground,
    button("plain-button", t("more.sign_out"), signOut));
  return { element, draw() { system.draw(); phones.draw(); }, leave() { gone = true; leaveYard(); } };
}
export function options(name, values, present, choose) {
  return h("div", { class: "options", role: "group", "aria-label": t(`${name}.label`) }, h("span", {}, t(`${name}.label`)),
    h("div", { class: "segments" }, values.map((value) =>
      h("button", { type: "button", "aria-pressed": String(value === present), lang: name === "language" ? value : null, onclick: () => choose(name, value) }, t(`${name}.${value}`)))));
}

function phonesPart() {
  const rows = h("ul", { class: "rows" });
  const loading = loader(async () => children(rows, (await get("/sessions")).items.map(phone)));
  const element = h("section", {}, h("h2", {}, t("phones.title")), rows, loading.element);

  function phone(session) {
    const name = session.device || t("pair.unnamed");
    const last = session.current ? t("phones.this") : t("phones.last", { time: moment(session.last_seen_at) });
    return h("li", {}, icon("phone"), h("span", {}, name, h("small", {}, last)),
      session.current ? null : button("small-button", t("phones.revoke"), () => ask(session, name), `${t("phones.revoke")}: ${name}`));
  }

  function ask(session, name) {
    const [note, say] = sayer();
    const dialog = sheet(t("phones.ask"), h("h2", {}, t("phones.ask")), h("p", {}, t("phones.ask_more", { name })),
      note, button("main-button", t("phones.revoke"), () => waiting(() => send("DELETE", `/sessions/${session.id}`)).then(() => {
        dialog.close();
        loading.load();
      }, (problem) => say(failure(problem)))), back("do.cancel"));
  }
  loading.load();
  return { element, draw: loading.draw };
}

export function systemPart() {
  const parts = PROCESSES.map((name) => {
    const words = h("small", {});
    const li = h("li", {}, h("i", { class: "lamp" }), h("span", {}, t(`process.${name}`), words));
    return { name, li, words };
  });
  const about = h("p", { class: "fine" });
  const note = h("p", { class: "list-note", hidden: true });
  const element = h("section", { class: "system" }, h("h2", {}, t("more.system")), note, h("ul", { class: "rows" }, parts.map(({ li }) => li)), about);

  function draw() {
    const belief = trust();
    const sure = belief === "live";
    const { gate } = state;
    text(note, sure ? "" : t("more.stale", { trust: t(`trust.${belief}`) }));
    show(note, !sure);
    attr(element, "data-stale", !sure);
    for (const { name, li, words } of parts) {
      const process = gate?.processes?.[name];
      const [tone, said] = condition(name, process, sure);
      attr(li, "data-tone", tone);
      text(words, said);
    }
    const facts = gate ? [t("more.gate_id", { id: gate.gate_id }), gate.simulated && t("more.simulated")] : [];
    text(about, facts.filter(Boolean).join(" · "));
  }
  return { element, draw };
}

function condition(name, process, sure) {
  if (!process || !sure) return ["unknown", t("process.unknown")];
  if (process.off) return ["off", t("process.off")];
  if (!process.alive) return ["alarm", t("process.dead")];
  const parts = [t("process.alive", { time: moment(process.since) })];
  if (process.restarts) parts.push(t("process.restarts", { count: process.restarts }));
  const { ok, kind, reason, connected, waiting } = process.health ?? {};
  const ill = ok === false;
  if (ill) parts.unshift(coded("reason", kind ?? reason, t("process.ill")));
  if (connected) parts.push(t("process.connected"));
  if (waiting) parts.push(t("process.waiting", { count: number(waiting) }));
  return [ill ? "care" : "good", parts.join(" · ")];
}
