// Signing in: by the one-time link that a maintainer made (one button), or by name and password.

import { get, send } from "../api.js";
import { attr, h, show, text } from "../dom.js";
import { has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { state } from "../store.js";

/** Make the view. `code`: from the pairing link, or null. `entered(session)` follows; `instead()`: sign in by password. */
export function signIn({ code, entered, switcher, instead }) {
  const error = h("p", { class: "form-error", role: "alert", hidden: true });
  const why = state.farewell && !code ? h("p", { class: "farewell" }, t(state.farewell)) : null;
  const form = code ? pairing() : password();
  // Offered where the page has a name that passkeys can be kept for.
  const passkey = h("button", { type: "button", class: "plain-button", hidden: true }, t("signin.passkey"));
  if (!code && window.PublicKeyCredential) get("/session/passkey").then(({ publicKey }) => {
    passkey.onclick = () => enter(passkey, "signin.passkey", async () => ({ passkey: await (await import("./prove.js")).use(publicKey), device_name: deviceName() }));
    show(passkey, true);
  }).catch(() => {});
  const element = h("main", { class: "signin" },
    h("header", {}, icon("home", "big"), h("h1", {}, t(code ? "pair.title" : "signin.title")), h("p", {}, t(code ? "pair.lead" : "signin.lead")), !code && h("p", {}, t("signin.link"))),
    why, form, passkey, error, code && h("button", { type: "button", class: "text-button", onclick: instead }, t("pair.instead")), switcher());

  function pairing() {
    const device = field("pair.device", { name: "device", value: deviceName(), maxlength: 60, autocomplete: "off", required: true });
    return ask("pair.enter", [device], (values) => ({ pairing_code: code, device_name: values.get("device").trim() }));
  }

  function password() {
    const name = field("signin.name", { name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
    const secret = field("signin.password", { name: "password", type: "password", autocomplete: "current-password", required: true });
    return ask("signin.enter", [name, secret], (values) => ({
      username: values.get("username").trim(), password: values.get("password"), device_name: deviceName(),
    }));
  }

  function ask(action, fields, body) {
    const button = h("button", { type: "submit", class: "main-button" }, t(action));
    const made = h("form", { novalidate: true }, fields, button);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      if (filled(made)) enter(button, action, () => body(new FormData(made)));
    });
    return made;
  }

  async function enter(button, action, body) {
    if (button.getAttribute("aria-disabled") === "true") return;
    attr(button, "aria-disabled", "true");
    text(button, t("signin.waiting"));
    show(error, false);
    try {
      entered(await send("POST", "/session", await body()));
    } catch (problem) {
      text(error, sentence(problem));
      show(error, true);
      attr(button, "aria-disabled", null);
      text(button, t(action));
    }
  }
  return { elements: [element], draw() {}, leave() {} };
}

/** Tell whether all that must be filled in is; else go to what is not. */
export function filled(form) {
  const empty = [...form.elements].find((input) => input.required && !input.value.trim());
  empty?.focus();
  return !empty;
}

/** A named field of a form. */
export function field(key, props) {
  return h("label", { class: "field" }, h("span", {}, t(key)), h("input", { type: "text", ...props }));
}

/** What went wrong, in words. */
export function sentence(problem) {
  if (problem instanceof DOMException) return t("signin.unsigned");
  const waits = problem.code === "rate_limited" && problem.retry_after_s;
  if (waits) return t("signin.rate_limited", { seconds: Math.ceil(problem.retry_after_s) });
  return has(`signin.${problem.code}`) ? t(`signin.${problem.code}`) : t("error.sentence", { code: problem.code });
}

/** A name by which this phone can be told from the others in the list. */
export function deviceName() {
  const agent = navigator.userAgent;
  const system = [[/Android/, "Android"], [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Windows/, "Windows"], [/Mac OS/, "Mac"], [/Linux/, "Linux"]].find(([sign]) => sign.test(agent))?.[1];
  const model = /Android [\d.]+; ([^;)]+?)(?: Build|[;)])/.exec(agent)?.[1];
  const browser = [[/Edg\//, "Edge"], [/SamsungBrowser/, "Samsung Internet"], [/Firefox/, "Firefox"], [/Chrome/, "Chrome"], [/Safari/, "Safari"]].find(([sign]) => sign.test(agent))?.[1];
  const device = model && model !== "K" ? model : system; // "K" is what Chrome says for every Android
  return [device, browser].filter(Boolean).join(" · ") || t("pair.unnamed");
}
