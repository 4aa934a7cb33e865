// Words. Every word a person reads stands in vi.json and en.json under the same key; codes of the gate have theirs.

let words = {};
let current = "vi";
export const language = () => current;
export async function speak(wanted) {
  const answer = await fetch(`${wanted}.json`);
  words = await answer.json();
  current = wanted;
  document.documentElement.lang = wanted;
  document.title = t("page.title");
}
export function t(key, values = {}) {
  const template = words[key];
  if (template === undefined) {
    console.error(`no words for ${key}`);
    return key;
  }
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The words of a code that the gate sent, such as `code.beam_blocked`. A newer gate may know codes that this page does
 *  not: then the server's own sentence, else the code, is better than nothing. */
export function coded(prefix, code, otherwise) {
  const key = `${prefix}.${code}`;
  return key in words ? t(key) : otherwise || t("code.other", { code });
}
export const has = (key) => key in words;
