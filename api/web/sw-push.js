// Notifications, in the service worker: what the gate sends is shown as it says it; a touch opens what it tells of.

addEventListener("push", (event) => event.waitUntil(tell(event.data.json())));
addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/** One notification a subject: a newer one takes the place of the older, aloud unless it is calm. */
function tell({ title, body, tag, lang, calm, open: place }) {
  return registration.showNotification(title, {
    body, tag, lang, data: place, silent: calm, renotify: !calm, requireInteraction: !calm, icon: "icons/gate-192.png",
    badge: "icons/badge-96.png",
  });
}

async function open(notification) {
  notification.close();
  const place = notification.data ?? "";
  const home = new URL(registration.scope).pathname;
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => new URL(url).pathname === home);
  if (!page) return clients.openWindow(`./${place}`);
  page.postMessage({ open: place }); // before the focus: some browsers refuse that
  return page.focus();
}

/** The browser changed its address at the push service by itself. */
async function renew({ oldSubscription, newSubscription }) {
  const made = newSubscription ?? await registration.pushManager.subscribe(oldSubscription.options);
  const { endpoint, keys } = made.toJSON();
  const headers = { "Content-Type": "application/json" };
  await fetch("api/v1/push/phone", { method: "PUT", headers, body: JSON.stringify({ endpoint, keys }) });
}
