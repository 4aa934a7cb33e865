// Thêm: who I am, my phones, language and colours, and how the gate's parts are.

import { get, send } from "../api.js";
import { attr, children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { coded, language, t } from "../i18n.js";
import { icon } from "../icons.js";
import { state, trust } from "../store.js";

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
    h("button", { type: "button", class: "plain-button", onclick: async () => (await import("./signin.js")).secrets() }, t("secrets.title")),
    permissions.includes("move") ? null : h("p", { class: "fine" }, t("move.no_right"))),
    h("ul", { class: "rows" }, PLACES.filter(([, , , right]) => permissions.includes(right)).map(([name, address, sign]) =>
      h("li", {}, h("a", { class: "place", href: address }, icon(sign), h("span", {}, t(`${name}.title`), h("small", {}, t(`lead.${name}`))), icon("next"))))),
    phones.element,
    h("section", {}, h("h2", {}, t("more.look")),
      options("language", ["vi", "en"], language(), choose), options("theme", ["auto", "light", "dark"], theme(), choose)),
    system.element, playground,
    h("button", { type: "button", class: "plain-button", onclick: signOut }, t("more.sign_out")));
  return { element, draw: system.draw, leave() { gone = true; leaveYard(); } };
}
export function options(name, values, present, choose) {
  return h("div", { class: "options", role: "group", "aria-label": t(`${name}.label`) }, h("span", {}, t(`${name}.label`)),
    h("div", { class: "segments" }, values.map((value) =>
      h("button", { type: "button", "aria-pressed": String(value === present), lang: name === "language" ? value : null, onclick: () => choose(name, value) }, t(`${name}.${value}`)))));
}

function phonesPart() {
  const rows = h("ul", { class: "rows" });
  const note = h("p", { class: "fine", role: "status" }, t("phones.loading"));
  const again = h("button", { type: "button", class: "plain-button", hidden: true, onclick: () => load() }, t("do.retry"));
  const element = h("section", {}, h("h2", {}, t("phones.title")), rows, note, again);

  async function load() {
    show(again, false);
    try {
      const { items } = await get("/sessions");
      children(rows, items.map(phone));
      text(note, "");
    } catch (problem) {
      text(note, problem.unanswered ? t("phones.offline") : t("error.sentence", { code: problem.code }));
      show(again, true);
    }
    show(note, note.textContent);
  }

  function phone(session) {
    const name = session.device || t("pair.unnamed");
    const last = session.current ? t("phones.this") : t("phones.last", { time: moment(session.last_seen_at) });
    return h("li", {}, icon("phone"), h("span", {}, name, h("small", {}, last)),
      session.current ? null : h("button", { type: "button", class: "small-button", "aria-label": `${t("phones.revoke")}: ${name}`, onclick: () => ask(session, name) }, t("phones.revoke")));
  }

  function ask(session, name) {
    const dialog = sheet(t("phones.ask"), h("h2", {}, t("phones.ask")), h("p", {}, t("phones.ask_more", { name })),
      h("button", { type: "button", class: "main-button", onclick: async () => {
        dialog.close();
        await send("DELETE", `/sessions/${session.id}`).catch(() => {});
        load();
      } }, t("phones.revoke")),
      h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.cancel")));
  }
  load();
  return { element };
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
  const ill = process.health?.ok === false;
  if (ill) parts.unshift(coded("reason", process.health.kind ?? process.health.reason, t("process.ill")));
  return [ill ? "care" : "good", parts.join(" · ")];
}
