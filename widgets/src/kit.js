/**
 * What all views share: elements, marks, JSON, virtual rows, theme.
 *
 * Rule 1: text from a model, a tool or a trace becomes a text node; no string is ever parsed as markup.
 * Rule 2: nothing runs on import, so node can test every function that needs no page.
 * Rule 3: whatever listens is given to a `scope` and taken off when the view goes.
 */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const MASKS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{d800}-\u{dfff}\u{e0000}-\u{e007f}]/gu;
/** Attributes that a person reads. */
const READ = new Set(["title", "aria-label", "alt", "placeholder"]);

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {{ on: (target: any, type: string, listener: (...args: any[]) => void) => void, add: (undo: () => void) => void, dispose: () => void }} Scope */

/** @param {Element} element @param {Record<string, any>} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : READ.has(name) ? unmasked(String(value)) : String(value));
  }
}

/** @param {Element} element @param {Child[]} children */
function fill(element, children) {
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === "string" ? unmasked(child) : child)));
}

/**
 * A text as its language writes it; what turns, hides or orders (`words.MASKS` in Python) becomes `�`.
 * @param {string} text @returns {string}
 */
export function unmasked(text) {
  return text.replace(MASKS, "\ufffd");
}

/**
 * An HTML element; an attribute whose value is a function is a listener (`onclick`).
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  fill(element, children);
  return element;
}

/**
 * An SVG element.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG_NAMESPACE, tag);
  dress(element, attributes);
  fill(element, children);
  return element;
}

/** @template {Element} T @param {T} element @returns {T} the same element, empty */
export function clear(element) {
  element.replaceChildren();
  return element;
}

/** A bag of listeners that is emptied at once. @returns {Scope} */
export function scope() {
  /** @type {(() => void)[]} */
  const undo = [];
  return {
    on(target, type, listener) {
      if (target.addEventListener) {
        target.addEventListener(type, listener);
        undo.push(() => target.removeEventListener(type, listener));
      } else {
        target.on(type, listener);
        undo.push(() => target.off(type, listener));
      }
    },
    add: (one) => undo.push(one),
    dispose: () => undo.splice(0).forEach((one) => one()),
  };
}

/** Strokes of the 14 px marks; shape first, colour second. */
const MARKS = {
  success: [["path", { d: "M2.5 7.5 5.5 10.5 11.5 3.5" }]],
  failed: [
    ["rect", { x: 1, y: 1, width: 12, height: 12, rx: 2, class: "l-mark-fill" }],
    ["path", { d: "M4.5 4.5 9.5 9.5M9.5 4.5 4.5 9.5", class: "l-mark-cross" }],
  ],
  cancelled: [["circle", { cx: 7, cy: 7, r: 5.5 }], ["path", { d: "M3.2 10.8 10.8 3.2" }]],
  retried: [["path", { d: "M11.9 7.6A5 5 0 1 1 10.6 3.4M11.2 1v3.2H8" }]],
  running: [["circle", { cx: 7, cy: 7, r: 5, class: "l-mark-track" }], ["path", { d: "M7 2a5 5 0 0 1 5 5" }]],
  waiting: [["circle", { cx: 7, cy: 7, r: 5, "stroke-dasharray": "2 2.2" }]],
  paused: [["path", { d: "M4.5 2.5v9M9.5 2.5v9", class: "l-mark-bars" }]],
  commit: [["path", { d: "M7 2 12 7 7 12 2 7Z", class: "l-mark-solid" }]],
  idle: [["circle", { cx: 7, cy: 7, r: 5 }]],
  closed: [["path", { d: "M5 2.5 9.5 7 5 11.5" }]],
  open: [["path", { d: "M2.5 5 7 9.5 11.5 5" }]],
  warning: [["path", { d: "M7 1.5 13 12.5H1Z" }], ["path", { d: "M7 5.5v3.2M7 10.2v1" }]],
  search: [["circle", { cx: 6, cy: 6, r: 4 }], ["path", { d: "M9 9 12.5 12.5" }]],
  copy: [["rect", { x: 4.5, y: 4.5, width: 8, height: 8, rx: 1 }], ["path", { d: "M9.5 4.5v-3h-8v8h3" }]],
  image: [["rect", { x: 1, y: 2, width: 12, height: 10, rx: 1 }], ["path", { d: "M1.5 10 5 6.5 8 9.5 10 7.5 12.5 10" }]],
  missing: [["path", { d: "M2 6V1.5h10V6M2 6l2.5 2L7 6l2.5 2L12 6M2 8.5V12.5h10V8.5l-2.5 2L7 8.5l-2.5 2Z" }]],
  said: [["path", { d: "M1.5 2h11v7.5H7L4 12V9.5H1.5Z" }]],
  save: [["path", { d: "M7 1.5v7M4 6l3 3 3-3M2 12h10" }]],
};

/**
 * A drawn mark; `label` makes it speak, without it the words beside it do.
 * @param {keyof typeof MARKS} name @param {string} [label]
 */
export function mark(name, label) {
  const strokes = (MARKS[name] ?? MARKS.idle).map(([tag, attributes]) => s(/** @type {string} */ (tag), /** @type {any} */ (attributes)));
  const voice = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return s("svg", { class: `l-mark l-mark-${name}`, viewBox: "0 0 14 14", width: 14, height: 14, ...voice }, ...strokes);
}

/** The colour of an effect kind; decoration, its word stands beside it. @param {string} kind */
export function dot(kind) {
  return h("span", { class: "l-dot", "data-kind": kind, "aria-hidden": "true" });
}

/** @param {string} key */
export function kbd(key) {
  return h("kbd", { class: "l-kbd", "aria-hidden": "true" }, key);
}

/**
 * A button whose accessible name is its label alone, whatever is drawn beside it.
 * @param {{ label: string, key?: string, icon?: keyof typeof MARKS, primary?: boolean, pressed?: boolean, disabled?: boolean, title?: string, onclick: (event: Event) => void }} options
 */
export function button({ label, key, icon, primary, pressed, disabled, title, onclick }) {
  return h(
    "button",
    { type: "button", class: primary ? "l-button l-primary" : "l-button", "aria-label": label, "aria-pressed": pressed === undefined ? null : String(pressed), title, disabled, onclick },
    icon ? mark(icon) : null,
    label,
    key ? kbd(key) : null,
  );
}

/** A quiet underlined action. @param {string} label @param {(event: Event) => void} onclick @param {string} [title] */
export function link(label, onclick, title) {
  return h("button", { type: "button", class: "l-link", onclick, title }, label);
}

/** @param {string} id */
export function shortId(id) {
  return id.length > 12 && /^[a-z_-]*[0-9a-f-]{12,}$/i.test(id) ? id.slice(0, 8) : id;
}

/** An id: eight characters shown, the whole on hover and on copy. @param {string} id @param {string} [shown] */
export function idChip(id, shown = shortId(id)) {
  const copy = h("button", { type: "button", class: "l-icon-button", "aria-label": `Copy ${id}`, onclick: () => copyText(id) }, mark("copy"));
  return h("span", { class: "l-mono", title: id }, shown, " ", copy);
}

/** @param {string} text */
export function copyText(text) {
  return navigator.clipboard?.writeText(text);
}

/** One "label: value" grid. @param {[string, Child][]} facts */
export function factList(facts) {
  return h("dl", { class: "l-facts" }, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// A text that was cut ends with the text: to look for its end from each quote in it would take the square of its length.
const TOKEN = /("(?:[^"\\]|\\(?:.|$))*(?:"|$))(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b|[^"\d\-tfn]+|./g;

/**
 * Cuts JSON text into coloured pieces; anything that is not JSON comes through as plain pieces.
 * @param {string} text @returns {{ text: string, type: "key" | "string" | "number" | "literal" | "plain" }[]}
 */
export function jsonTokens(text) {
  return [...text.matchAll(TOKEN)].flatMap(([whole, quoted, colon, number, literal]) => {
    if (quoted && colon) return [{ text: quoted, type: "key" }, { text: colon, type: "plain" }];
    return [{ text: whole, type: quoted ? "string" : number ? "number" : literal ? "literal" : "plain" }];
  });
}

/** @param {string} line */
function jsonLine(line) {
  return h("div", { class: "l-json-line" }, ...jsonTokens(line).map((token) => h("span", { class: `l-json-${token.type}` }, token.text)));
}

/** How many lines of JSON are open at first. */
const JSON_LINES = 40;

/** How deep JSON of more lines than that is open at first. */
const JSON_DEPTH = 3;

/**
 * Where containers deeper than three levels begin and end, outermost only; nothing for short JSON. Lines are indented by two blanks a level.
 * @param {string[]} lines @returns {Map<number, number>} first line to last line
 */
export function jsonFolds(lines) {
  const folds = new Map();
  if (lines.length <= JSON_LINES) return folds;
  const indent = " ".repeat(2 * JSON_DEPTH);
  for (let at = 0; at < lines.length; at++) {
    if (!lines[at].startsWith(indent) || lines[at][indent.length] === " " || !/[[{]$/.test(lines[at])) continue;
    const end = lines.findIndex((line, place) => place > at && line.startsWith(indent) && /[\]}]/.test(line[indent.length] ?? ""));
    if (end < 0) break;
    folds.set(at, end);
    at = end;
  }
  return folds;
}

/** A folded container: its first line, how much is in it, its last line. @param {string[]} lines */
function jsonFold(lines) {
  const folded = jsonLine(lines[0]);
  const words = lines.length === 3 ? "1 line" : `${lines.length - 2} lines`;
  folded.append(link(`… ${words}`, () => folded.replaceWith(...lines.map(jsonLine))), h("span", { class: "l-json-plain" }, /** @type {string} */ (lines.at(-1)).trimStart()));
  return folded;
}

/**
 * JSON text in colour, folded where it is deep and after forty lines.
 * @param {string} text @param {{ badLine?: number }} [options] `badLine` counts from 1
 */
export function jsonBlock(text, { badLine } = {}) {
  const lines = text.split("\n");
  const folds = badLine ? new Map() : jsonFolds(lines);
  const pieces = /** @type {string[][]} */ ([]);
  for (let at = 0; at < lines.length; at++) {
    const end = folds.get(at) ?? at;
    pieces.push(lines.slice(at, end + 1));
    at = end;
  }
  const element = (/** @type {string[]} */ piece) => (piece.length > 1 ? jsonFold(piece) : jsonLine(piece[0]));
  const block = h("div", { class: "l-json", tabindex: "0" }, ...pieces.slice(0, JSON_LINES).map(element));
  if (badLine) block.children[badLine - 1]?.classList.add("l-json-bad");
  const rest = pieces.slice(JSON_LINES);
  if (!rest.length) return block;
  const more = link(`show ${rest.flat().length} more lines`, () => more.replaceWith(...rest.map(element)));
  block.append(more);
  return block;
}

/**
 * Which rows are on the screen.
 * @param {{ top: number, height: number, rowHeight: number, count: number, margin?: number }} view
 * @returns {[number, number]} first row and the one after the last
 */
export function rowWindow({ top, height, rowHeight, count, margin = 6 }) {
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + margin);
  return [Math.min(first, last), last];
}

/**
 * The place of the next row after a key, or null when the key moves nothing.
 * @param {string} key @param {number} at @param {number} count @param {number} [page]
 */
export function movedTo(key, at, count, page = 10) {
  const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -count, End: count };
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  return step === undefined || !count ? null : Math.max(0, Math.min(count - 1, at + step));
}

/** Makes the buttons of a group one stop of the tab key; arrows go from one to the next. @param {HTMLElement} group */
export function roving(group) {
  const buttons = /** @type {HTMLElement[]} */ ([...group.children]);
  buttons.forEach((button_, at) => {
    button_.tabIndex = at ? -1 : 0;
    button_.onkeydown = (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -buttons.length, End: buttons.length };
      const step = steps[/** @type {keyof typeof steps} */ (event.key)];
      if (!step) return;
      const next = buttons[Math.max(0, Math.min(buttons.length - 1, at + step))];
      button_.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
      event.stopPropagation();
    };
  });
}

/**
 * Round places for an axis of about `wanted` ticks.
 * @param {number} from @param {number} to @param {number} [wanted] @returns {number[]}
 */
export function ticks(from, to, wanted = 7) {
  const span = Math.max(to - from, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => span / candidate <= wanted) ?? 10 * power;
  const places = [];
  for (let index = Math.ceil(from / step); index * step <= to; index++) places.push(index * step);
  return places;
}

/** @param {HTMLElement} el */
function isDark(el) {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  if (vscodeThemeKind) return vscodeThemeKind.includes("dark");
  const [red, green, blue, alpha = 1] = (getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
  return el.isConnected && alpha > 0 && red * 0.3 + green * 0.6 + blue * 0.1 < 100;
}

/** Follows the host's theme for as long as the view lives. @param {HTMLElement} el @param {Scope} life */
function followTheme(el, life) {
  const follow = () => {
    el.dataset.theme = isDark(el) ? "dark" : "light";
  };
  const observer = new MutationObserver(follow);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "class", "style"] });
  life.add(() => observer.disconnect());
  follow();
}

/** Hides the static twin that was printed above this view; a view in several cells has one, and who hid it shows it again. @param {any} model @param {Scope} life */
function hideTwin(model, life) {
  const twin = document.querySelector(`[data-lash-static="${CSS.escape(model.get("twin") ?? "")}"]`);
  const box = /** @type {HTMLElement | null} */ (twin?.closest(".jp-OutputArea-child") ?? twin);
  if (!box || box.style.display === "none") return;
  const before = box.style.display;
  box.style.display = "none";
  life.add(() => {
    box.style.display = before;
  });
}

/** Whether a key is one for the view alone: no shortcut of the host or the browser, and not the way out by Tab. @param {{ key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean }} event */
export const isPlainKey = ({ key, ctrlKey, metaKey, altKey }) => !(ctrlKey || metaKey || altKey || key === "Tab");

/**
 * Keeps plain keys in the view, used or not: a notebook takes them for orders and cuts a cell at `x`. @param {HTMLElement} el @param {Scope} life
 */
function keepKeys(el, life) {
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  life.on(el, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (isPlainKey(event)) event.stopPropagation();
  });
}

/**
 * Makes `el` the root of a view. @param {{ model: any, el: HTMLElement, name: string }} context
 * @returns {Scope} dispose of it in the view's cleanup
 */
export function mount({ model, el, name }) {
  const life = scope();
  el.classList.add("lash", `lash-${name}`);
  followTheme(el, life);
  hideTwin(model, life);
  keepKeys(el, life);
  return life;
}

/** The header that every view has. @param {string} title @param {string} counts @param {...Child} tools */
export function header(title, counts, ...tools) {
  return h("div", { class: "l-head" }, h("span", { class: "l-title" }, title), h("span", { class: "l-muted l-cut" }, counts), h("span", { class: "l-tools" }, ...tools));
}

/** The footer that every view has: what is shown, and the selection as text to copy. @param {Child} shown @param {any} model @param {Scope} life */
export function footer(shown, model, life) {
  const place = h("span", { class: "l-mono l-selection" });
  const update = () => {
    const selected = model.get("selection") ?? "";
    place.textContent = selected === "" ? "" : `_.selection = ${JSON.stringify(selected)}`;
    place.title = selected === "" ? "" : "Python, in the cell below this one; later in the notebook where the view is a variable: view = %lash …";
  };
  life.on(model, "change:selection", update);
  update();
  return h("div", { class: "l-foot" }, h("span", {}, shown), place);
}
