// Người và điện thoại: who may use the gate, on which phones. For maintainers; every change is journalled with who and why.

import { get, request, send } from "../api.js";
import { children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { onFact } from "../stream.js";
import { back, button, chips, deed, field, loader, row, sayer, under } from "./under.js";

export const style = "views/under.css";

const ROLES = ["viewer", "operator", "commander", "maintainer"];
const NAME = /^[a-z0-9][a-z0-9._-]{1,31}$/;
const last = (seen) => t("phones.last", { time: moment(seen) });

export function people() {
  const rows = h("ul", { class: "rows" });
  const add = button("main-button", t("people.add"), () => addSheet(loading.load));
  const loading = loader(async () => {
    const { items } = await get("/users");
    children(rows, items.map((person) => h("li", {}, h("button", { type: "button", class: "place", onclick: () => personSheet(person, loading.load) },
      icon(person.disabled ? "lock" : "person"), h("span", {}, person.display_name, h("small", {}, about(person))), icon("next")))));
    show(add, true);
  });
  show(add, false);
  loading.load();
  const leave = onFact(({ kind }) => /^user_/.test(kind) && loading.load());
  return { element: under("people.title", loading.element, rows, add), draw: loading.draw, leave };
}

function about({ roles, disabled, sessions, last_seen_at: seen }) {
  return [disabled && t("people.disabled"), ROLES.filter((role) => roles.includes(role)).map((role) => t(`role.${role}`)).join(", "),
    seen ? t("people.phones", { count: sessions }) : t("people.never"), seen && last(seen)].filter(Boolean).join(" · ");
}

const rolesOf = (given) => {
  const made = chips(t("people.roles"), ROLES.map((role) => [role, t(`role.${role}`)]), given);
  return { ...made, element: [h("b", {}, t("people.roles")), made.element, h("details", {}, h("summary", { class: "text-button" }, t("people.what")),
    h("ul", { class: "fine" }, ROLES.map((role) => h("li", {}, t(`people.${role}`)))))] };
};

function addSheet(changed) {
  const [note, say] = sayer();
  // "Trần Thị Lan" signs in as tran.thi.lan, unless another name is written.
  const shown = field("people.shown", { maxlength: 80, oninput: () => (name.input.value = shown.value().toLowerCase().replaceAll("\u0111", "d")
    .normalize("NFD").replace(/[^a-z0-9 ]/g, "").replace(/ +/g, ".").slice(0, 32)) });
  const name = field("signin.name", { maxlength: 32, autocapitalize: "none", spellcheck: "false" });
  const roles = rolesOf(["operator"]);
  const dialog = sheet(t("people.add"), h("h2", {}, t("people.add")), shown.element, name.element, roles.element, note, button("main-button", t("people.add_pair"), () => {
    const person = { name: name.value(), display_name: shown.value(), roles: roles.value() };
    if (!person.display_name || !NAME.test(person.name) || !person.roles.length) return say(t("people.incomplete"));
    return deed(async () => {
      await send("POST", "/users", person);
      dialog.close();
      changed();
      await pair(person);
    }, say);
  }), back("do.cancel"));
}

function personSheet(person, changed) {
  const path = `/users/${person.name}`;
  const [note, say] = sayer();
  const shown = field("people.shown", { maxlength: 80, value: person.display_name });
  const reason = field("people.reason", { maxlength: 200 });
  const roles = rolesOf(person.roles);
  const phones = h("ul", { class: "rows" });
  const act = (change) => deed(async () => {
    say("");
    await change();
    changed();
  }, say);
  const patch = (changes) => act(async () => {
    await send("PATCH", path, { ...changes, reason: reason.value() });
    dialog.close();
  });
  const ending = (words, what) => button("small-button", t("phones.revoke"), () => act(async () => {
    await request("DELETE", `${path}/${what}?${new URLSearchParams({ reason: reason.value() })}`);
    await loading.load();
  }), `${t("phones.revoke")}: ${words}`);
  const loading = loader(async () => {
    const [sessions, passkeys] = await Promise.all([get(`${path}/sessions`), get(`${path}/passkeys`)]);
    const rows = [...sessions.items.map(({ id, device, current, last_seen_at: seen }) => row(icon("phone"), device, current ? t("phones.this") : last(seen), null, !current && ending(device, `sessions/${id}`))),
      ...passkeys.items.map(({ id, name, last_used_at: seen }) => row(icon("lock"), t("people.passkey", { name }), last(seen), null, ending(name, `passkeys/${id}`)))];
    children(phones, rows.length ? rows : [row(icon("phone"), t("people.no_phone"))]);
  });
  const disable = () => sheet(t("people.disable"), h("h2", {}, t("people.disable_ask", { name: person.display_name })), h("p", {}, t("people.disable_more")),
    button("main-button", t("people.disable"), ({ target }) => {
      target.closest("dialog").close();
      patch({ disabled: true });
    }), back("do.cancel"));
  const dialog = sheet(person.display_name, h("h2", {}, person.display_name, h("small", {}, person.name)),
    !person.disabled && button("main-button", t("people.pair"), () => act(() => pair(person, reason.value()))),
    note, h("h3", {}, t("people.devices")), loading.element, phones, h("h3", {}, t("more.me")), shown.element, roles.element, reason.element,
    button("plain-button", t("people.save"), () => (shown.value() && roles.value().length ? patch({ display_name: shown.value(), roles: roles.value() }) : say(t("people.incomplete")))),
    person.disabled ? button("plain-button", t("people.enable"), () => patch({ disabled: false })) : button("plain-button", t("people.disable"), disable), back());
  loading.load();
}

/** Make a one-time link for a person's phone and show it: for its camera, and to send on. */
async function pair({ name, display_name: shown }, reason = "") {
  const { link, qr, expires_at: end } = await send("POST", `/users/${name}/pairing`, { reason });
  const address = h("p", { class: "link", role: "status" }, link); // where it may be neither shared nor copied, it is marked by a tap
  const give = button("main-button", t("people.share"), async () => {
    if (navigator.share) return navigator.share({ url: link }).catch(() => {});
    await navigator.clipboard?.writeText(link);
    return text(give, t(navigator.clipboard ? "people.copied" : "people.mark"));
  });
  const trust = h("a", { class: "text-button", href: "/trust", target: "_blank", hidden: true }, t("people.trust"));
  fetch(trust.href).then(({ ok }) => show(trust, ok), () => {}); // only a gate with an authority of its own has it
  sheet(t("people.pair"), h("h2", {}, t("people.pair_for", { name: shown })), h("img", { class: "qr", src: qr, alt: t("people.qr") }),
    h("p", {}, t("people.pair_more", { time: moment(end) })), address, give,
    trust, back());
}
