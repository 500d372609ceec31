import { clear, h, jsonTokens, link } from "./kit.js";
import { arrayItems, arrayText, readField, shownText } from "./stepper_fields.js";

/** The stepper's form controls. A form keeps what was typed until it is sent: an error costs nothing. */

/** @typedef {import("./stepper_fields.js").Field} Field */
/** @typedef {{ texts: Map<string, string>, problems: Map<string, string> }} Draft */

export const draft = () => /** @type {Draft} */ ({ texts: new Map(), problems: new Map() });

/** @param {Field} field */
export const keyOf = (field) => field.path.join("\u0000");

/** JSON text that stands in a field now. @param {Draft} form @param {Field} field */
export const currentJson = (form, field) => form.texts.get(keyOf(field)) ?? field.value;

/** The changed fields as `[path, json]`. @param {Draft} form @param {Field[]} fields */
export const changesOf = (form, fields) => fields.filter((field) => form.texts.has(keyOf(field))).map((field) => [field.path, currentJson(form, field)]);

/**
 * A JSON editor: coloured text under a transparent text area, with line numbers.
 * @param {string} text @param {(text: string) => void} oninput @param {string} label
 */
export function jsonEditor(text, oninput, label) {
  const paint = h("pre", { class: "l-editor-paint", "aria-hidden": "true" });
  const gutter = h("div", { class: "l-editor-gutter", "aria-hidden": "true" });
  const area = /** @type {HTMLTextAreaElement} */ (h("textarea", { class: "l-editor-area", spellcheck: "false", "aria-label": label }));
  const update = () => {
    const lines = area.value.split("\n");
    clear(gutter).append(...lines.map((_, index) => h("div", {}, String(index + 1))));
    clear(paint).append(...jsonTokens(area.value).map((token) => h("span", { class: `l-json-${token.type}` }, token.text)), "\n");
    area.rows = Math.max(4, lines.length);
  };
  area.value = text;
  area.addEventListener("input", () => {
    update();
    oninput(area.value);
  });
  update();
  return h("div", { class: "l-editor" }, gutter, h("div", { class: "l-editor-text" }, paint, area));
}

/** @param {Field} field @param {string} text @param {(text: string) => void} oninput */
function inputControl(field, text, oninput) {
  const input = /** @type {HTMLInputElement} */ (h("input", { "aria-label": field.label, class: field.type === "string" ? "" : "l-number-input" }));
  input.value = text;
  input.addEventListener("input", () => oninput(input.value));
  return input;
}

/** @type {Record<string, (field: Field, text: string, oninput: (text: string) => void) => HTMLElement>} */
const CONTROLS = {
  readonly: (field, text) => h("input", { value: text, readonly: true, "aria-label": field.label, title: text }),
  boolean(field, text, oninput) {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", role: "switch", "aria-label": field.label }));
    box.checked = text === "true";
    box.addEventListener("change", () => oninput(String(box.checked)));
    return box;
  },
  enum(field, text, oninput) {
    const none = field.value === "" ? h("option", { value: "", selected: text === "" }, "not given") : null;
    const choices = (field.options ?? []).map((json) => h("option", { value: json, selected: json === text }, shownText({ ...field, type: "string" }, json)));
    const select = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": field.label }, none, ...choices));
    select.addEventListener("change", () => oninput(select.value));
    return select;
  },
  array: arrayControl,
  json: (field, text, oninput) => jsonEditor(text, oninput, field.label),
  text(field, text, oninput) {
    const area = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 3, "aria-label": field.label }));
    area.value = text;
    area.addEventListener("input", () => oninput(area.value));
    return area;
  },
};

/** An array of plain values as cells that can be changed, added and emptied away. @param {Field} field @param {string} text @param {(text: string) => void} oninput @returns {HTMLElement} */
function arrayControl(field, text, oninput) {
  const items = arrayItems(text);
  if (!items) return jsonEditor(text, oninput, field.label);
  const item = /** @type {Field} */ ({ ...field, type: field.items ?? "json" });
  const box = h("div", { class: "l-cells" });
  const send = () => oninput(arrayText(items.filter((one) => one !== "")));
  const cell = (/** @type {number} */ index) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { class: "l-cell", "aria-label": `${field.label} ${index + 1}` }));
    input.value = shownText(item, items[index]);
    input.size = Math.max(2, Math.min(24, input.value.length));
    input.addEventListener("input", () => {
      items[index] = input.value === "" ? "" : readField(item, input.value).json;
      send();
    });
    return input;
  };
  const add = h("button", { type: "button", class: "l-cell l-cell-add", "aria-label": `Add to ${field.label}`, onclick: () => {
    items.push("");
    add.before(cell(items.length - 1));
    /** @type {HTMLElement} */ (add.previousElementSibling)?.focus();
  } }, "+");
  box.append(...items.map((_, index) => cell(index)), add);
  return box;
}

/** An array as cells that only show. @param {string} text */
function shownCells(text) {
  const items = arrayItems(text);
  if (!items || items.length > 60) return null;
  return h("div", { class: "l-cells" }, ...items.map((item) => h("span", { class: "l-cell" }, item)));
}

/**
 * One line of a form: label, control, hint or problem, and what it was before.
 * @param {Field} field @param {Draft | null} form null shows without editing @param {() => void} onchange
 * @returns {HTMLElement}
 */
export function fieldRow(field, form, onchange) {
  const key = keyOf(field);
  const shown = shownText(field, form ? currentJson(form, field) : field.value);
  if (!form || field.type === "readonly") {
    const value = (field.type === "array" && shownCells(field.value)) || h("div", { class: "l-sunk-field l-mono", title: shown }, shown || h("i", {}, "not given"));
    return h("div", { class: "l-field" }, h("span", { class: "l-mono l-field-name" }, field.label), h("div", {}, value, field.hint ? h("div", { class: "l-label" }, field.hint) : null));
  }
  const hint = h("div", { class: "l-label", "aria-live": "polite" });
  const slot = h("div", {});
  const tell = () => {
    const problem = form.problems.get(key);
    hint.className = problem ? "l-label l-failure" : "l-label";
    clear(hint).append(problem ?? field.hint ?? "");
    if (form.texts.has(key) && field.value !== "") hint.append(" · was ", shownText(field, field.value).slice(0, 40) || "empty", " ", link("revert", revert));
  };
  const take = (/** @type {string} */ typed) => {
    const { json, problem } = readField(field, typed);
    if (json === field.value) form.texts.delete(key);
    else form.texts.set(key, json);
    if (problem) form.problems.set(key, problem);
    else form.problems.delete(key);
    tell();
    onchange();
  };
  const draw = () => {
    const control = CONTROLS[field.type] ?? inputControl;
    clear(slot).append(control(field, shownText(field, currentJson(form, field)), take));
    tell();
  };
  function revert() {
    form?.texts.delete(key);
    form?.problems.delete(key);
    draw();
    onchange();
  }
  draw();
  return h("div", { class: "l-field" }, h("span", { class: "l-mono l-field-name" }, field.label), h("div", {}, slot, hint));
}

/** All fields under their group headings. @param {Field[]} fields @param {Draft | null} form @param {() => void} onchange */
export function fieldRows(fields, form, onchange) {
  let group = "";
  return fields.flatMap((field) => {
    const row = fieldRow(field, form, onchange);
    if ((field.group ?? "") === group) return [row];
    group = field.group ?? "";
    return group ? [h("div", { class: "l-label l-bold l-group" }, group), row] : [row];
  });
}
