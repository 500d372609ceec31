import { copyText, dot, h, jsonBlock, link, mark, s } from "./kit.js";
import { stripWindow, turnNumbers } from "./strip.js";
import { barsPath, densityPath } from "./timeline_geometry.js";

/** Pieces of the explorer: a row, a line that is no record, the whole record. They draw what they are given and know nothing else. */

/** @typedef {{ record: number, line: number, where: string, session: string, time: string, exact: string, color: string, word: string, phase: string, raw: boolean, turn: string, what: string[], mark: string, status: string, took: string, tokens: string }} Row */

/** @param {string} column @param {string} look @param {...(Node | string | null)} children */
const cell = (column, look, ...children) => h("span", { class: `l-col-${column} ${look}`, role: "gridcell" }, ...children);

/** A ring where something starts, a disc where it ends. @param {Row} row */
function kindDot(row) {
  const made = dot(row.color);
  if (row.phase === "start") made.classList.add("l-ring");
  return made;
}

/**
 * What stands above a column; a button where one can sort by it.
 * @param {{ words: string, label: string, look: string, order: -1 | 0 | 1, sort: (() => void) | null }} head `order`: 1 for sorted by it, -1 for the largest first
 */
export function headCell({ words, label, look, order, sort }) {
  const arrow = order ? h("span", { "aria-hidden": "true" }, order < 0 ? "↓" : "↑") : null;
  const inner = sort ? h("button", { type: "button", class: "l-head-button", "aria-label": `Sort by ${label}`, onclick: sort }, h("span", { class: "l-cut", title: words }, words), arrow) : words;
  return h("span", { class: look, role: "columnheader", "aria-sort": order ? (order < 0 ? "descending" : "ascending") : null }, inner);
}

/**
 * A filter that is chosen from a list, or typed where there are too many for one.
 * @param {string} name @param {string} chosen @param {[string, string][] | null} options what is asked for, and how it is called @param {(value: string) => void} choose
 */
export function picker(name, chosen, options, choose) {
  if (!options) {
    const input = /** @type {HTMLInputElement} */ (h("input", { "aria-label": name, placeholder: "all", value: chosen, onchange: () => choose(input.value.trim()) }));
    return h("label", { class: "l-pick" }, name, input);
  }
  const select = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": name, onchange: () => choose(select.value) }, h("option", { value: "" }, "all"), ...options.map(([value, words]) => h("option", { value, selected: value === chosen }, words))));
  return h("label", { class: "l-pick" }, name, select);
}

/** A record in the table. @param {Row} row @param {Record<string, any>} attributes */
export function recordRow(row, attributes) {
  const what = row.what.map((piece, index) => (index % 2 ? h("mark", {}, piece) : piece));
  return h(
    "div",
    { class: "l-row l-explorer-row", role: "row", ...attributes },
    cell("line", "l-number l-muted", h("span", { title: row.where || null }, String(row.line))),
    cell("time", "l-number l-muted", h("span", { title: row.exact }, row.time)),
    cell("type", "l-cut", row.color ? kindDot(row) : null, row.word, row.phase ? h("span", { class: "l-muted" }, ` ${row.phase}`) : null, row.raw ? h("span", { class: "l-raw-tag" }, "raw") : null),
    cell("turn", "l-number l-cut", row.turn),
    cell("what", row.status === "failed" ? "l-cut l-failure" : "l-cut", row.session ? h("span", { class: "l-raw-tag l-session-tag", title: "session" }, row.session) : null, h("span", { title: row.what.join("") }, ...what)),
    cell("mark", "", row.mark ? mark(/** @type {any} */ (row.mark), row.status) : null),
    cell("took", "l-number", row.took),
    cell("tokens", "l-number l-muted", row.tokens),
  );
}

/** A record that is not here yet. @param {Record<string, any>} attributes */
export function waitingRow(attributes) {
  return h("div", { class: "l-explorer-row l-waiting-row", role: "row", "aria-busy": "true", ...attributes }, h("span", { class: "l-grey-bar" }));
}

/** A line that is no record. @param {{ line: string, byte: string, reason: string }} one @param {() => void} show */
export function badLine(one, show) {
  return h("div", { class: "l-bad-line" }, h("span", { class: "l-number l-cut" }, one.line), h("span", { class: "l-number l-muted" }, one.byte), h("span", { class: "l-cut", title: one.reason }, one.reason), link("Show", show, `show ${one.line}`));
}

/** The whole record, or a raw line. @param {{ title?: string, note: string, warning: string, json: string, raw: string, cut: string }} detail */
export function wholeRecord({ title, note, warning, json, raw, cut }) {
  if (!title) return [h("div", { class: "l-muted l-detail-body" }, "Click a record to see all of it here.")];
  const copy = h("button", { type: "button", class: "l-icon-button l-tools", "aria-label": "Copy the record", onclick: () => copyText(json || raw) }, mark("copy"));
  return [
    h("div", { class: "l-detail-head" }, h("b", { class: "l-cut", title }, title), h("span", { class: "l-muted l-cut" }, note), copy),
    h("div", { class: "l-detail-body" }, warning ? h("p", { class: "l-failure" }, warning) : null, json ? jsonBlock(json) : null, raw ? h("pre", { class: "l-raw", tabindex: "0" }, raw) : null, cut ? h("div", { class: "l-label" }, cut) : null),
  ];
}

/** What stands in place of rows: why there are none, and what to do next. @param {any} query @param {any} bad @param {() => void} clearAll */
export function nothingFound({ kinds, session, turn, status, text, total }, { count, lines }, clearAll) {
  if (!total && count) return h("div", { class: "l-empty" }, `This is no lash trace: no line of it is a record. ${lines[0].line}: ${lines[0].reason}`);
  if (!total) return h("div", { class: "l-empty" }, "No records yet. Run a turn with %%lash, or open another file with %lash trace FILE.");
  const active = [kinds ? `kinds: ${kinds.join(", ") || "none"}` : "", session ? `session ${session}` : "", turn ? `turn ${turn}` : "", status, text ? `“${text}”` : ""].filter(Boolean);
  return h("div", { class: "l-empty" }, "Nothing found for ", ...active.map((words) => h("span", { class: "l-kind-chip l-active-filter" }, words)), " ", link("clear", clearAll));
}

/** @type {[string, number][]} */
const TRACKS = [["llm_call", 8], ["tool_call", 19]];

/** Where in time: the turns, the calls, those that were found, the turn of the selection. @param {{ strip: any, found: any, span: number[] }} shown @param {any} axis */
export function stripPieces({ strip, found, span }, axis) {
  const { turns, tracks, density } = strip;
  const path = density ? densityPath : barsPath;
  const some = Object.keys(found).length > 0;
  const chosen = density ? -1 : (span[2] ?? -1);
  const ground = density ? [[0, axis.to]] : turns;
  const bars = TRACKS.flatMap(([kind, y]) => [
    s("path", { d: path(axis, tracks[kind], y, 9), "data-kind": kind, class: some ? "l-faint" : "" }),
    ...(some ? [s("path", { d: path(axis, found[kind], y, 9), "data-kind": kind })] : []),
  ]);
  return [s("path", { d: barsPath(axis, ground, 6, 24), class: "l-strip-ground" }), ...bars, ...turnNumbers(turns, axis, { y: 46, chosen, lit: new Set(found.turns ?? []) }), ...stripWindow(span, axis, 4, 28)];
}
