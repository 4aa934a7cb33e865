// A newer page: the service worker keeps it beside the one in use, and it takes over when the officer says so. A page is
// never exchanged under a thumb. Without a secure connection there is no service worker, and none of this.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

const OFTEN_MS = 600_000;
let kept = null; // the registration
let asked = -Infinity;

/** Have the page kept for when there is no network, and tell the officer of each newer one. */
export async function keepPage() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  let inUse = Boolean(serviceWorker.controller);
  serviceWorker.addEventListener("controllerchange", () => {
    if (inUse) location.reload();
    inUse = true; // the first one replaced nothing
  });
  try {
    kept = await serviceWorker.register("sw.js");
  } catch {
    return; // storage is full or forbidden: the page works as long as there is a network
  }
  if (kept.waiting) offer();
  kept.addEventListener("updatefound", () => {
    const { installing } = kept;
    installing.addEventListener("statechange", () => installing.state === "installed" && serviceWorker.controller && offer());
  });
}

/** The gate was away, or the officer was: either may have brought a newer page. */
export function askForNewer() {
  if (!kept || performance.now() - asked < OFTEN_MS) return;
  asked = performance.now();
  kept.update().catch(() => {});
}

function offer() {
  document.querySelector(".update")?.remove();
  const bar = h("aside", { class: "update", "aria-label": t("update.label") }, h("span", { role: "status" },
    h("button", { type: "button", class: "main-button", onclick: () => (kept.waiting ? kept.waiting.postMessage("take over") : location.reload()) }, t("update.offer"))),
  h("button", { type: "button", class: "plain-button", "aria-label": t("update.later"), onclick: () => bar.remove() }, icon("cross")));
  document.body.append(bar);
}
