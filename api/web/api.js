// Every call to the gate's HTTP interface goes through here: one way to fail, one place that notices a lost session.

const BASE = "/api/v1";

/** A call that did not do what was asked. `code` is the server's, or `network` · `timeout` where there was no answer. */
export class Problem extends Error {
  constructor({ code, title, detail, remedy, status, retry_after_s, errors }) {
    super(title ?? code);
    Object.assign(this, { code, title, detail, remedy, status, retry_after_s, errors });
  }
  get unanswered() {
    return this.code === "network" || this.code === "timeout";
  }
}

let lost = () => {};
export const onSessionLost = (listener) => (lost = listener);
export async function request(method, path, { body, headers, signal, timeoutMs = 8000 } = {}) {
  const limit = AbortSignal.timeout(timeoutMs);
  const options = {
    method,
    cache: "no-store",
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  };
  let answer;
  try {
    answer = await fetch(BASE + path, options);
  } catch (error) {
    throw new Problem({ code: error.name === "TimeoutError" ? "timeout" : "network", status: 0 });
  }
  if (answer.ok) return answer;
  throw await problem(answer, path);
}

async function problem(answer, path) {
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "/session") lost();
  return new Problem({ ...told, code: told.code ?? `http_${answer.status}`, status: answer.status });
}
export async function get(path, options) {
  return json(await request("GET", path, options));
}
export async function send(method, path, body, options) {
  return json(await request(method, path, { ...options, body }));
}

async function json(answer) {
  const raw = await answer.text();
  return raw ? JSON.parse(raw) : null;
}
export const address = (path) => BASE + path;
