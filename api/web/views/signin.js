// Who somebody is: signing in by link, password or passkey; showing it once more before an order that needs it, because a phone
// may lie about; and one's own password and passkeys. The gate decides; this page asks in time.

import { get, request, send } from "../api.js";
import { attr, children, h, sheet, show, text } from "../dom.js";
import { moment } from "../format.js";
import { has, t } from "../i18n.js";
import { icon } from "../icons.js";
import { change, mark, since, state } from "../store.js";

/** Make the view. `code`: from the pairing link, or null. `entered(session)` follows; `instead()`: sign in by password. */
export function signIn({ code, entered, switcher, instead }) {
  const error = h("p", { class: "form-error", role: "alert", hidden: true });
  const why = state.farewell && !code ? h("p", { class: "farewell" }, t(state.farewell)) : null;
  const form = code ? pairing() : password();
  // Offered where the page has a name that passkeys can be kept for.
  const passkey = h("button", { type: "button", class: "plain-button", hidden: true }, t("signin.passkey"));
  if (!code && window.PublicKeyCredential) get("/session/passkey").then(({ publicKey }) => {
    passkey.onclick = () => enter(passkey, "signin.passkey", async () => ({ passkey: await use(publicKey), device_name: deviceName() }));
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
      const me = await send("POST", "/session", await body());
      if (code && me.ways.length < 2 && !me.simulated) return urge(me);
      entered(me);
    } catch (problem) {
      text(error, sentence(problem));
      show(error, true);
      attr(button, "aria-disabled", null);
      text(button, t(action));
    }
  }

  /** Whoever came in by a link alone could not come back: a password is asked for at once, and may wait. */
  function urge(me) {
    const later = h("button", { type: "button", class: "plain-button", onclick: () => entered(me) }, t("secrets.later"));
    const set = h("button", { type: "submit", class: "main-button" }, t("secrets.set"));
    const made = h("form", { novalidate: true }, field("secrets.new", { name: "password", type: "password", autocomplete: "new-password", maxlength: 128, required: true }), set);
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!filled(made)) return;
      const { value } = made.elements.password;
      try {
        if (value.length >= SHORTEST) return entered(await send("PUT", "/session/password", { password: value }));
        text(error, t("secrets.short"));
      } catch (problem) {
        text(error, sentence(problem));
      }
      show(error, true);
    });
    children(element, [h("header", {}, icon("check", "big"), h("h1", {}, t("secrets.paired")), h("p", {}, t("secrets.urge"))), made, error, later]);
    made.elements.password.focus();
  }
  return { elements: [element], draw() {}, leave() {} };
}
function filled(form) {
  const empty = [...form.elements].find((input) => input.required && !input.value.trim());
  empty?.focus();
  return !empty;
}
function field(key, props) {
  return h("label", { class: "field" }, h("span", {}, t(key)), h("input", { type: "text", ...props }));
}
function sentence(problem) {
  if (problem instanceof DOMException) return t("signin.unsigned");
  const waits = problem.code === "rate_limited" && problem.retry_after_s;
  if (waits) return t("signin.rate_limited", { seconds: Math.ceil(problem.retry_after_s) });
  return has(`signin.${problem.code}`) ? t(`signin.${problem.code}`) : t("error.sentence", { code: problem.code });
}
export function deviceName() {
  const agent = navigator.userAgent;
  const system = [[/Android/, "Android"], [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Windows/, "Windows"], [/Mac OS/, "Mac"], [/Linux/, "Linux"]].find(([sign]) => sign.test(agent))?.[1];
  const model = /Android [\d.]+; ([^;)]+?)(?: Build|[;)])/.exec(agent)?.[1];
  const browser = [[/Edg\//, "Edge"], [/SamsungBrowser/, "Samsung Internet"], [/Firefox/, "Firefox"], [/Chrome/, "Chrome"], [/Safari/, "Safari"]].find(([sign]) => sign.test(agent))?.[1];
  const device = model && model !== "K" ? model : system; // "K" is what Chrome says for every Android
  return [device, browser].filter(Boolean).join(" · ") || t("pair.unnamed");
}

const SHORTEST = 10; // characters of a password, as the gate wants them
const ORDERS = ["lockdown", "unlock", "emergency_open", "normal"];
const LASTS_MS = 280_000; // of the gate's 300 s: the order itself takes a while
let shown = { session: null, at: 0 };

function fresh() {
  const { proved_until, session_id } = state.me;
  if (state.orders.mode?.code === "step_up_required") return false; // the gate knows better than this phone's clock
  const left = Date.parse(proved_until) - Date.now();
  return (shown.session === session_id && since(shown.at) < LASTS_MS) || (left > 20_000 && left <= 300_000);
}

/** Go on with an order, or with a change (`command` null), as soon as the person has shown who they are. */
export function proven(command, go) {
  if ((command && !ORDERS.includes(command)) || fresh()) return go();
  return prove(go);
}

export function prove(go) {
  const { ways } = state.me;
  const error = h("p", { class: "form-error", role: "alert", hidden: true });
  const code = form("prove.code", { name: "pairing_code", autocomplete: "one-time-code", autocapitalize: "none" });
  const dialog = sheet(t("prove.title"), h("h2", {}, t("prove.title")), h("p", {}, t("prove.lead")),
    ways.includes("passkey") && h("button", { type: "button", class: "main-button", onclick: ({ target }) => tell(target, signed) }, t("prove.passkey")),
    ways.includes("password") && form("signin.password", { name: "password", type: "password", autocomplete: "current-password" }),
    ways.length > 1 ? h("details", {}, h("summary", { class: "text-button" }, t("prove.by_code")), code) : code,
    error, h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.cancel")));
  dialog.querySelector("input")?.focus();

  function form(key, props) {
    const button = h("button", { type: "submit", class: "main-button" }, t("prove.enter"));
    const made = h("form", { novalidate: true }, field(key, { ...props, required: true }), button);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      // A whole link does as well as the code in it.
      if (filled(made)) tell(button, () => ({ [props.name]: made.elements[props.name].value.replace(/^.*#pair=/, "") }));
    });
    return made;
  }

  async function tell(button, body) {
    if (button.getAttribute("aria-disabled")) return;
    attr(button, "aria-disabled", "true");
    try {
      const answer = await send("POST", "/session/proof", await body());
      shown = { session: state.me.session_id, at: mark() };
      change({ me: { ...state.me, ...answer }, orders: { ...state.orders, mode: undefined } });
      dialog.close();
      go();
    } catch (problem) {
      text(error, sentence(problem));
      show(error, true);
      attr(button, "aria-disabled", null);
    }
  }
}

async function signed() {
  const { publicKey } = await get("/session/proof/passkey");
  return { passkey: await use(publicKey) };
}
async function use(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}
export function secrets() {
  const note = h("p", { class: "fine", role: "status", hidden: true });
  const rows = h("ul", { class: "rows" });
  const form = h("form", { novalidate: true },
    field("secrets.new", { name: "password", type: "password", autocomplete: "new-password", minlength: SHORTEST, maxlength: 128, required: true }),
    h("button", { type: "submit", class: "main-button" }, t("secrets.set")));
  const add = h("button", { type: "button", class: "plain-button", hidden: true, onclick: () => doing(make) }, t("secrets.add"));
  const dialog = sheet(t("secrets.title"), h("h2", {}, t("secrets.title")), form, note, h("h3", {}, t("secrets.passkeys")), rows, add,
    h("button", { type: "button", class: "plain-button", onclick: () => dialog.close() }, t("do.back")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!filled(form)) return;
    if (form.elements.password.value.length < SHORTEST) return say(t("secrets.short"));
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
