// Making and patching elements. All text goes in as text nodes: data never becomes markup.
// A view makes its elements once and afterwards only writes what has changed, so that focus, a sliding thumb and
// a screen reader's place are never lost to a redraw.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `props`: attributes; `on…` are listeners; null, undefined and false are left out. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else attr(element, name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make a row of buttons of which at most one holds. `entries`: [value, words]; `choose(value)`. */
export function segments(entries, choose) {
  const buttons = entries.map(([value, words]) => h("button", { type: "button", onclick: () => choose(value) }, words));
  const draw = (present) => buttons.forEach((each, place) => attr(each, "aria-pressed", String(entries[place][0] === present)));
  return { element: h("div", { class: "segments" }, buttons), draw };
}

/** Set an attribute if it differs; null, undefined and false remove it, true sets it empty. */
export function attr(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== (value === true ? "" : String(value))) {
    element.setAttribute(name, value === true ? "" : value);
  }
}
export function text(element, value) {
  const wanted = value ?? "";
  if (element.textContent !== wanted) element.textContent = wanted;
}
export function show(element, visible) {
  if (element.hidden === Boolean(visible)) element.hidden = !visible;
}
export function children(parent, wanted) {
  wanted.forEach((child, place) => {
    if (parent.childNodes[place] !== child) parent.insertBefore(child, parent.childNodes[place] ?? null);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

/** Load a view's own style sheet, once; what it styles is shown after this. Without it the page is plain, and works. */
export function styled(name) {
  if (document.querySelector(`link[href="${name}"]`)) return null;
  return new Promise((done) => document.head.append(h("link", { rel: "stylesheet", href: name, onload: done, onerror: done })));
}

/** A bottom sheet or question: a native modal dialog, closed by Escape, by its backdrop, or by its own buttons. */
export function sheet(label, ...content) {
  const dialog = h("dialog", { class: "sheet", "aria-label": label }, h("div", { class: "sheet-body" }, content));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
