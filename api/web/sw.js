// The page without a network: it opens, says that the gate can't be reached, and since when. Never the gate's answers:
// nothing of /api is kept here or answered from here. `VERSION` and `FILES` are written above by the server
// (api/page.py); a version is kept whole beside the one in use, and takes over when the officer says so (update.js).

const PREFIX = "page-";
const NAME = PREFIX + VERSION;

importScripts("sw-push.js");

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(forget()));
addEventListener("message", (event) => event.data === "take over" && skipWaiting());
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || !FILES.includes(pathname)) return; // the network's
  // Where what is kept can't be read (a full or broken storage), the network has it.
  event.respondWith(caches.match(pathname, { cacheName: NAME }).catch(() => null).then((found) => found ?? fetch(event.request)));
});

async function keep() {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((path) => new Request(path, { cache: "no-cache" })));
}

async function forget() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  await clients.claim();
}
