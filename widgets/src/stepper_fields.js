/** The values behind the stepper's forms: pure, so that node can test them. A value travels as JSON text, so no number is rounded on the way. */

/** @typedef {{ path: string[], label: string, type: string, value: string, hint?: string, options?: string[], minimum?: number, maximum?: number, required?: boolean, items?: string, group?: string }} Field */
/** @typedef {{ json: string, problem: string }} Read */

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?(0|[1-9]\d*)$/;

/** @param {string} text @returns {Read} */
function readJson(text) {
  try {
    JSON.parse(text);
    return { json: text.trim(), problem: "" };
  } catch (error) {
    return { json: text, problem: `not JSON: ${/** @type {Error} */ (error).message}` };
  }
}

/** @param {Field} field @param {string} text @returns {Read} */
function readNumber(field, text) {
  const whole = field.type === "integer";
  const trimmed = text.trim();
  if (!(whole ? INTEGER : NUMBER).test(trimmed)) return { json: text, problem: whole ? "a whole number is needed" : "a number is needed" };
  if (field.minimum !== undefined && Number(trimmed) < field.minimum) return { json: trimmed, problem: `at least ${field.minimum}` };
  if (field.maximum !== undefined && Number(trimmed) > field.maximum) return { json: trimmed, problem: `at most ${field.maximum}` };
  return { json: trimmed, problem: "" };
}

/** @type {Record<string, (field: Field, text: string) => Read>} */
const READERS = {
  string: (_, text) => ({ json: JSON.stringify(text), problem: "" }),
  text: (_, text) => ({ json: JSON.stringify(text), problem: "" }),
  enum: (_, text) => ({ json: text, problem: "" }),
  boolean: (_, text) => ({ json: text, problem: "" }),
  number: readNumber,
  integer: readNumber,
  json: (_, text) => readJson(text),
};

/** What was typed into a field, as JSON text, and what is wrong with it. @param {Field} field @param {string} text @returns {Read} */
export function readField(field, text) {
  return (READERS[field.type] ?? READERS.json)(field, text);
}

/** What a field's control shows for JSON text. @param {Field} field @param {string} json */
export function shownText(field, json) {
  if (json === "") return "";
  if (field.type !== "string" && field.type !== "text") return json;
  const value = JSON.parse(json);
  return typeof value === "string" ? value : json;
}

/**
 * Cuts the text of a JSON array into the texts of its items, exactly.
 * @param {string} json @returns {string[] | null} null when it is no array of plain values
 */
export function arrayItems(json) {
  let value;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.some((item) => typeof item === "object" && item !== null)) return null;
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"|[^\s,[\]]+/g)].map(([text]) => text);
}

/** @param {string[]} items */
export const arrayText = (items) => `[${items.join(", ")}]`;

/** The line of a JSON text in which its first error stands, or 0. @param {string} text */
export function badLine(text) {
  try {
    JSON.parse(text);
    return 0;
  } catch (error) {
    const message = /** @type {Error} */ (error).message;
    const [, line] = message.match(/line (\d+)/) ?? [];
    if (line) return Number(line);
    const [, position] = message.match(/position (\d+)/) ?? [];
    return position ? text.slice(0, Number(position)).split("\n").length : text.split("\n").length;
  }
}

/**
 * Which of the toolbar's actions a key asks for.
 * @param {string} key @param {"view" | "edit" | "inject"} mode @param {boolean} typing whether a control has the focus
 */
export function actionOf(key, mode, typing) {
  if (mode !== "view") return key === "Escape" ? "back" : null;
  if (typing) return null;
  const keys = { n: "next", c: "continue", e: "edit", i: "inject", f: "fail", Escape: "cancel" };
  return keys[/** @type {keyof typeof keys} */ (key)] ?? null;
}
