// My password and my passkeys. Whoever changes them shows first who they are.

import { get, request, send } from "../api.js";
import { children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { change } from "../store.js";
import { proven } from "./prove.js";
import { deviceName, field, filled, sentence } from "./signin.js";

/** Open the sheet. */
export function secrets() {
  const note = h("p", { class: "fine", role: "status", hidden: true });
  const rows = h("ul", { class: "rows" });
  const form = h("form", { novalidate: true },
    field("secrets.new", { name: "password", type: "password", autocomplete: "new-password", minlength: 10, maxlength: 128, required: true }),
    h("button", { type: "submit", class: "main-button" }, t("secrets.set")));
  const add = h("button", { type: "button", class: "plain-button", hidden: true, onclick: () => doing(make) }, t("secrets.add"));
  const dialog = sheet(t("secrets.title"), h("h2", {}, t("secrets.title")), form, note, h("h3", {}, t("secrets.passkeys")), rows, add,
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!filled(form)) return;
    if (form.elements.password.value.length < 10) return say(t("secrets.short"));
    doing(async () => {
      change({ me: await send("PUT", "/session/password", { password: form.elements.password.value }) });
      form.reset();
      say(t("secrets.done"));
    });
  });

  async function load() {
    const { items } = await get("/passkeys");
    children(rows, items.map(({ id, name, last_used_at }) => h("li", {}, icon("phone"),
      h("span", {}, name, h("small", {}, t("phones.last", { time: moment(last_used_at) }))),
      h("button", { type: "button", class: "plain-button", onclick: () => doing(() => request("DELETE", `/passkeys/${id}`)) }, t("phones.revoke")))));
  }

  async function make() {
    const { publicKey } = await get("/passkeys/new/options");
    const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) });
    await send("POST", "/passkeys", { name: deviceName(), credential: made.toJSON() });
  }

  const doing = (act) => proven(null, () => Promise.resolve(act()).then(load).catch((problem) => say(sentence(problem))));
  const say = (words) => {
    text(note, words);
    show(note, true);
  };
  load().catch((problem) => say(sentence(problem)));
  get("/session/passkey").then(() => show(add, true)).catch(() => say(t("secrets.nowhere")));
}
