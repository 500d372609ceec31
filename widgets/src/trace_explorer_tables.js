import { button, clear, h, mark, movedTo, roving } from "./kit.js";
import { headCell, waitingRow } from "./trace_explorer_parts.js";
import { AROUND, AT_ONCE, listHeight, ROW, rowStore, scrollTopToSee, SHOWN, topRow, turnstile } from "./trace_explorer_rows.js";

/** The explorer's tables in place of the records: turns, tools, usage. Python counts and sorts, only rows on the screen are in the page. */

const TABLES = [["records", "Records"], ["turns", "Turns"], ["tools", "Tools"], ["usage", "Usage"]];
const NONE = { turns: "No turns yet: no record names one.", tools: "No tool was called.", usage: "No model was called." };

/** Shares of the width, by what a column holds. */
const WIDTHS = { name: 150, word: 90, short: 40, status: 92, number: 76 };

/** @typedef {{ name: string, look: keyof typeof WIDTHS, wide: boolean }} Head `wide`: left out where there is little room */
/** @typedef {{ name: string, version: number, heads: Head[], sort: string, descending: boolean, found: number, first: any[], total: any[] | null, note: string, opens: boolean }} Sheet */

/** @param {Head[]} heads */
export const sheetColumns = (heads) => heads.map(({ look }) => `minmax(0, ${WIDTHS[look]}fr)`).join(" ");

/** @param {Head} head */
const looks = ({ look, wide }) => `l-sheet-${look}${wide ? " l-wide" : ""}`;

/** @param {string | { text: string, mark?: string, bad?: boolean }} cell @param {Head} head */
function sheetCell(cell, head) {
  const { text, mark: sign, bad } = typeof cell === "string" ? { text: cell } : cell;
  const tone = bad || sign === "failed" ? " l-failure" : "";
  return h("span", { class: `l-cut ${looks(head)}${tone}`, role: "gridcell", title: head.look === "number" ? `${head.name}: ${text}` : text }, sign ? mark(/** @type {any} */ (sign)) : null, sign ? ` ${text}` : text);
}

/** The buttons that choose the table. @param {any} model @param {any} life */
export function tableButtons(model, life) {
  const choose = (/** @type {string} */ name) => {
    press(name);
    model.send({ do: "show", table: name });
  };
  const buttons = TABLES.map(([name, label]) => button({ label, pressed: false, onclick: () => choose(name) }));
  const group = h("div", { class: "l-tables", role: "group", "aria-label": "Table" }, ...buttons);
  const press = (/** @type {string} */ chosen) => TABLES.forEach(([name], at) => buttons[at].setAttribute("aria-pressed", String(name === chosen)));
  roving(group);
  life.on(model, "change:table", () => press(model.get("table")));
  press(model.get("table"));
  return group;
}

/**
 * The table in place of the records.
 * @param {{ model: any, life: any, shown: HTMLElement, changed: (isShown: boolean, hadFocus: boolean) => void, opened: (key: string) => void }} context
 * `shown`: where the footer says how much is on the screen; `opened`: what a click on a row does
 */
export function otherTable({ model, life, shown, changed, opened }) {
  const sheet = () => /** @type {Sheet} */ (model.get("sheet"));
  const ui = { rows: rowStore(), name: "", order: "", place: 0 };
  const heads = h("div", { class: "l-sheet-heads", role: "row" });
  const sizer = h("div", { class: "l-explorer-sizer", role: "rowgroup" });
  const list = h("div", { class: "l-sheet-list", role: "grid", tabindex: "0" }, sizer);
  const total = h("div", { class: "l-sheet-total", role: "row" });
  const element = h("div", { class: "l-sheet", hidden: true }, heads, list, total);
  heads.id = `${model.get("twin")}-sheet-heads`;
  list.setAttribute("aria-owns", heads.id);
  const windows = turnstile((/** @type {[number, number]} */ [from, to]) => model.send({ do: "table_rows", version: sheet().version, from, to }));
  const isShown = () => Boolean(sheet().name);
  const viewOf = () => ({ top: list.scrollTop, height: list.clientHeight || SHOWN * ROW, rowHeight: ROW, count: sheet().found });

  /** Another table, another order of it, or the same one counted anew. */
  function update() {
    const { name, found, first, total: sums, heads: columns, sort, descending } = sheet();
    const hadFocus = element.contains(document.activeElement);
    element.hidden = !isShown();
    windows.answered();
    changed(isShown(), hadFocus);
    if (!isShown()) return;
    const order = `${name} ${sort} ${descending}`;
    ui.rows = rowStore(order === ui.order ? ui.rows : undefined);
    ui.rows.put(0, first);
    ui.order = order;
    if (name !== ui.name) [ui.place, list.scrollTop] = [0, 0];
    ui.name = name;
    ui.place = Math.max(0, Math.min(ui.place, found - 1));
    element.style.setProperty("--sheet-columns", sheetColumns(columns));
    element.style.setProperty("--sheet-few-columns", sheetColumns(columns.filter(({ wide }) => !wide)));
    element.dataset.table = name;
    list.setAttribute("aria-label", name);
    list.setAttribute("aria-rowcount", String(found));
    sizer.style.height = `${listHeight(found, ROW)}px`;
    list.style.height = `${Math.max(found ? 1 : 2, Math.min(found, SHOWN)) * ROW}px`;
    clear(total).append(...(sums ?? []).map((cell, at) => sheetCell(cell, columns[at])));
    total.hidden = !sums;
    updateHeads();
    draw();
  }

  function updateHeads() {
    const { sort, descending, heads: columns } = sheet();
    clear(heads).append(...columns.map((head) => [head.name, looks(head)]).map(([name, look]) => headCell({ words: name, label: name, look, order: name === sort ? (descending ? -1 : 1) : 0, sort: () => model.send({ do: "sort_table", column: name, descending: name === sort && !descending }) })));
  }

  function draw() {
    if (!isShown()) return;
    const { found, note, opens } = sheet();
    const view = viewOf();
    const bar = list.offsetWidth - list.clientWidth;
    heads.style.paddingRight = total.style.paddingRight = `${12 + bar}px`;
    const top = topRow(view);
    const first = Math.max(0, Math.floor(top) - AROUND);
    const last = Math.min(found, Math.ceil(top + view.height / ROW) + AROUND);
    clear(sizer).append(...Array.from({ length: Math.max(0, last - first) }, (_, at) => rowElement(first + at, list.scrollTop + (first + at - top) * ROW)));
    if (!found) sizer.append(h("div", { class: "l-empty" }, NONE[/** @type {keyof typeof NONE} */ (sheet().name)]));
    const missing = ui.rows.missing(first, last);
    if (missing) windows.ask([Math.max(0, missing[0] - AT_ONCE), missing[1] + AT_ONCE]);
    list.setAttribute("aria-activedescendant", sizer.querySelector("[aria-selected=true]")?.id ?? "");
    const on = Math.max(0, Math.min(found, Math.floor(top + view.height / ROW) - Math.ceil(top)));
    const hint = opens ? "a click shows the records of a turn · " : "";
    clear(shown).append(`${on.toLocaleString("en")} of ${found.toLocaleString("en")} rows on screen${on < found ? ", scroll for the rest" : ""}`, h("span", { class: "l-foot-hint" }, hint + note));
  }

  /** @param {number} place @param {number} y */
  function rowElement(place, y) {
    const row = ui.rows.get(place);
    const { heads: columns, opens } = sheet();
    const at = { style: `transform:translateY(${y}px)`, "aria-rowindex": String(place + 1) };
    if (!row) return waitingRow(at);
    const act = opens ? { onclick: () => opened(row.key), "aria-selected": String(place === ui.place), id: `${model.get("twin")}-sheet-${place}` } : {};
    return h("div", { class: opens ? "l-row l-sheet-row l-opens" : "l-row l-sheet-row", role: "row", ...at, ...act }, ...row.cells.map((/** @type {any} */ cell, /** @type {number} */ index) => sheetCell(cell, columns[index])));
  }

  /** Whether it had a use for the key. @param {KeyboardEvent} event */
  function key(event) {
    const { found, opens } = sheet();
    const row = ui.rows.get(ui.place);
    const moved = list.contains(/** @type {Node} */ (event.target)) ? movedTo(event.key, ui.place, found, SHOWN - 1) : null;
    if (moved !== null) step(moved);
    else if (event.key === "Enter" && opens && row && event.target === list) opened(row.key);
    else return false;
    return true;
  }

  /** Scrolls no further than needed. @param {number} place */
  function step(place) {
    ui.place = place;
    list.scrollTop = scrollTopToSee(place, viewOf());
    draw();
  }

  let frame = 0;
  life.on(list, "scroll", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  });
  life.add(() => cancelAnimationFrame(frame));
  life.on(model, "change:sheet", update);
  life.on(model, "msg:custom", (/** @type {any} */ { kind, version, from, rows }) => {
    if (kind !== "table_rows") return;
    if (version === sheet().version) ui.rows.put(from, rows);
    windows.answered();
    draw();
  });
  return { element, list, isShown, update, draw, key };
}
