// Some orders need more than a phone that somebody left lying about: whoever gives them shows once in five minutes who they
// are, before the question whether the order is meant. The gate decides; this page asks in time.

import { get, send } from "../api.js";
import { attr, h, sheet, show, text } from "../dom.js";
import { t } from "../i18n.js";
import { change, mark, since, state } from "../store.js";
import { field, filled, sentence } from "./signin.js";

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
  return ask(go);
}

function ask(go) {
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

/** Have the phone sign with one of its passkeys. */
export async function use(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}
