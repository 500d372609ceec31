import { clear, dot, footer, h, header, kbd, mark, mount, movedTo, roving, s } from "./kit.js";
import { toMs } from "./timeline_geometry.js";
import { badLine, headCell, nothingFound, picker, recordRow, stripPieces, waitingRow, wholeRecord } from "./trace_explorer_parts.js";
import { AROUND, AT_ONCE, countWords, listHeight, ROW, rowStore, scrollTopOf, scrollTopToSee, SHOWN, topRow, turnstile } from "./trace_explorer_rows.js";
import { otherTable, tableButtons } from "./trace_explorer_tables.js";

/** The explorer: what is wrong, what is filtered, where in time, which rows, the whole record. Only rows on the screen are in the page. */

const TYPING = 200;
const ASKED = ["kinds", "session", "turn", "status", "text", "sort", "descending"];
const HEADS = [["line", "line"], ["time", "time"], ["type", "type"], ["turn", "turn"], ["", "what"], ["status", ""], ["took", "took"], ["tokens", "tokens"]];

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "explorer" });
  const query = () => model.get("query");
  const count = () => /** @type {number} */ (query().found);
  const ui = { rows: rowStore(), chosen: model.get("selection"), place: model.get("place"), version: -1, asked: "", open: false, wanted: /** @type {Record<string, any> | null} */ (null) };
  let slow = 0;
  let typing = 0;

  const sizer = h("div", { class: "l-explorer-sizer", role: "rowgroup" });
  const list = h("div", { class: "l-explorer-list", role: "grid", "aria-label": "Records", tabindex: "0" }, sizer);
  const heads = h("div", { class: "l-explorer-heads", role: "row" });
  const table = h("div", { class: "l-explorer-table" }, heads, list);
  const detail = h("div", { class: "l-detail" });
  const bad = h("div", { class: "l-bad" });
  const chips = h("div", { class: "l-chips", role: "group", "aria-label": "Kinds of record" });
  const sessions = h("span");
  const turns = h("span");
  const statuses = h("span");
  const search = /** @type {HTMLInputElement} */ (h("input", { placeholder: "Find in records", "aria-label": "Find in records", value: query().text, spellcheck: "false" }));
  const hits = h("b", { class: "l-hits", "aria-live": "polite" });
  const problem = h("div", { class: "l-problem l-failure", role: "alert", hidden: true });
  const strip = s("svg", { class: "l-strip", height: 56, role: "img", onclick: chooseMoment });
  const shown = h("span");
  const live = h("span", { class: "l-muted l-live", hidden: true }, mark("running"), "following");
  const titles = header("", "", live, tableButtons(model, life));
  const wipe = h("button", { type: "button", class: "l-icon-button", "aria-label": "Clear the search", onclick: () => { find(""); search.focus(); } }, "×");

  const hint = kbd("/");

  const searching = h("div", { class: "l-searching" }, hits, h("span", { class: "l-find" }, mark("search"), search, wipe, hint));
  const filters = h("div", { class: "l-filters" }, chips, sessions, turns, statuses, searching);
  const body = h("div", { class: "l-explorer-body" }, table, detail);
  const others = otherTable({ model, life, shown, changed: leaveRecords, opened: openTurn });

  el.append(titles, bad, filters, problem, h("div", { class: "l-strip-box" }, strip), body, others.element, footer(shown, model, life));

  heads.id = `${model.get("twin")}-heads`;
  list.setAttribute("aria-owns", heads.id);
  const asks = turnstile((/** @type {any} */ command) => model.send(command));
  const windows = turnstile((/** @type {[number, number]} */ [from, to]) => model.send({ do: "rows", version: query().version, from, to }));

  // What is filtered and sorted.

  /** What is asked for, answered or not: a second click must not undo the first. */
  const wanted = () => ui.wanted ?? Object.fromEntries(ASKED.map((name) => [name, query()[name]]));

  /** @param {Record<string, any>} change */
  function ask(change) {
    ui.wanted = { ...wanted(), ...change };
    clearTimeout(slow);
    slow = window.setTimeout(() => {
      hits.textContent = "searching …";
    }, TYPING);
    asks.ask({ do: "ask", ...ui.wanted });
  }

  /** An answer has come, or the reason why there is none. */
  function answered() {
    windows.answered();
    asks.answered();
    if (asks.busy()) return;
    ui.wanted = null;
    clearTimeout(slow);
  }

  /** @param {string} text */
  function find(text) {
    clearTimeout(typing);
    search.value = text;
    ask({ text });
    showWipe();
  }

  /** Enter looks for what was typed, then goes from one hit to the next, and round. @param {number} by */
  function findNext(by) {
    if (search.value.trim() !== query().text) find(search.value);
    else if (count()) pick(ui.place < 0 ? (by > 0 ? 0 : count() - 1) : (ui.place + by + count()) % count());
  }

  /** The cross stands where the hint was, so that nothing moves. */
  function showWipe() {
    wipe.hidden = !search.value;
    hint.hidden = !wipe.hidden;
  }

  /** @param {string} name */
  function toggleKind(name) {
    const all = /** @type {string[]} */ (model.get("choices").chips.map((/** @type {any} */ chip) => chip.name));
    const before = wanted().kinds ?? all;
    const on = all.filter((one) => before.includes(one) !== (one === name));
    ask({ kinds: on.length === all.length ? null : on });
  }

  /** @param {string} column */
  function sortBy(column) {
    const { sort, descending } = wanted();
    ask({ sort: column, descending: sort === column && !descending });
  }

  function updateFilters() {
    const focused = /** @type {HTMLElement | null} */ (chips.querySelector(":focus"))?.dataset.name;
    const { chips: kinds, sessions: ids, turns: names, statuses: ends } = model.get("choices");
    const { session, turn, status } = query();
    clear(chips).append(...kinds.map(chipElement));
    roving(chips);
    const again = [...chips.children].find((one) => /** @type {HTMLElement} */ (one).dataset.name === focused);
    /** @type {HTMLElement | undefined} */ (again)?.focus();
    clear(sessions).append(...(ids?.length === 0 ? [] : [picker("session", session, twice(ids), (value) => ask({ session: value, turn: "" }))]));
    clear(turns).append(picker("turn", turn, twice(names), (value) => ask({ turn: value })));
    clear(statuses).append(picker("status", status, ends.map((/** @type {[string, number]} */ [name, number]) => [name, `${name} ${number.toLocaleString("en")}`]), (value) => ask({ status: value })));
    filters.hidden = others.isShown() && !sessions.firstChild;
    hits.textContent = countWords(count(), query().total);
    if (!search.matches(":focus")) search.value = query().text;
    showWipe();
    updateHeads();
  }

  /** @param {string[] | null} names @returns {[string, string][] | null} */
  const twice = (names) => names && names.map((name) => [name, name]);

  /** @param {{ name: string, color: string, count: number, on: boolean }} chip */
  const chipElement = ({ name, color, count: number, on }) => h("button", { type: "button", class: "l-kind-chip", "data-name": name, "aria-pressed": String(on), onclick: () => toggleKind(name) }, color && on ? dot(color) : null, name, h("span", { class: "l-muted" }, number.toLocaleString("en")));

  function updateHeads() {
    const { sort, descending } = query();
    clear(heads).append(
      ...HEADS.map(([column, words]) => headCell({ words, label: words || "status", look: `l-col-${words || "mark"}`, order: column && column === sort ? (descending ? -1 : 1) : 0, sort: column ? () => sortBy(column) : null })),
    );
  }

  // The rows.

  const viewOf = () => ({ top: list.scrollTop, height: list.clientHeight || SHOWN * ROW, rowHeight: ROW, count: count() });

  /** A new answer: rows of the one before stay until the new ones are here, if it asks for the same. */
  function updateAnswer() {
    const { version, found, total, ...asked } = query();
    const same = JSON.stringify(asked) === ui.asked;
    const top = topRow({ ...viewOf(), count: Math.max(1, ui.version < 0 ? found : Number(sizer.dataset.count)) });
    ui.rows = rowStore(same ? ui.rows : undefined);
    [ui.asked, ui.version, ui.place] = [JSON.stringify(asked), version, model.get("place")];
    const first = model.get("first");
    if (first.version === version) ui.rows.put(first.from, first.rows);
    sizer.style.height = `${listHeight(found, ROW)}px`;
    sizer.dataset.count = String(found);
    list.style.height = `${Math.max(6, Math.min(total, SHOWN)) * ROW}px`;
    table.style.setProperty("--line-digits", String(Math.max(4, String(total).length)));
    for (const [name, chars] of Object.entries(model.get("choices").chars)) table.style.setProperty(`--${name}-chars`, String(chars));
    list.setAttribute("aria-rowcount", String(found));
    if (same) list.scrollTop = scrollTopOf(top, viewOf());
    else if (ui.place >= 0) reveal(ui.place);
    else list.scrollTop = 0;
    updateFilters();
    draw();
  }

  function draw() {
    if (others.isShown()) return;
    const view = viewOf();
    heads.style.paddingRight = `${12 + list.offsetWidth - list.clientWidth}px`;
    const top = topRow(view);
    const first = Math.max(0, Math.floor(top) - AROUND);
    const last = Math.min(count(), Math.ceil(top + view.height / ROW) + AROUND);
    const places = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
    clear(sizer).append(...places.map((place) => rowElement(place, list.scrollTop + (place - top) * ROW)));
    if (!count()) sizer.append(nothingFound(query(), model.get("bad"), clearAll));
    const missing = ui.rows.missing(first, last);
    if (missing) windows.ask([Math.max(0, missing[0] - AT_ONCE), missing[1] + AT_ONCE]);
    list.setAttribute("aria-activedescendant", sizer.querySelector("[aria-selected=true]")?.id ?? "");
    updateShown(view, top);
  }

  /** @param {{ height: number }} view @param {number} top */
  function updateShown(view, top) {
    const on = Math.min(count(), Math.floor(top + view.height / ROW) - Math.ceil(top) || 1);
    const rest = on < count() ? ", scroll for the rest" : "";
    clear(shown).append(`${on.toLocaleString("en")} of ${count().toLocaleString("en")} rows on screen${rest}`, h("span", { class: "l-foot-hint" }, model.get("bad").writing ? "the last line is still being written" : "long cells are cut at the column, whole text on the right"));
  }

  /** @param {number} place @param {number} y */
  function rowElement(place, y) {
    const row = /** @type {import("./trace_explorer_parts.js").Row | undefined} */ (ui.rows.get(place));
    const at = { style: `transform:translateY(${y}px)`, "aria-rowindex": String(place + 1) };
    if (!row) return waitingRow(at);
    return recordRow(row, { ...at, id: `${model.get("twin")}-row-${place}`, "aria-selected": String(row.record === ui.chosen), onclick: () => choose(row.record, place), ondblclick: openDetail });
  }

  function clearAll() {
    search.value = "";
    ask({ kinds: null, session: "", turn: "", status: "", text: "" });
  }

  // Another table in place of the records.

  /** @param {boolean} isOther @param {boolean} hadFocus */
  function leaveRecords(isOther, hadFocus) {
    for (const one of [chips, turns, statuses, searching, body]) one.hidden = isOther;
    filters.hidden = isOther && !sessions.firstChild;
    if (!isOther) draw();
    if (!isOther && hadFocus) list.focus({ preventScroll: true });
  }

  /** @param {string} name */
  function openTurn(name) {
    search.value = "";
    model.send({ do: "show", table: "records" });
    ask({ kinds: null, turn: name, status: "", text: "" });
  }

  /** @param {number} record @param {number} place */
  function choose(record, place) {
    [ui.chosen, ui.place] = [record, place];
    model.send({ do: "select", record });
    list.focus({ preventScroll: true });
    draw();
  }

  /** @param {number} place */
  function reveal(place) {
    const view = viewOf();
    const top = topRow(view);
    if (place < top || place + 1 > top + view.height / ROW) list.scrollTop = scrollTopOf(place - view.height / ROW / 2, view);
  }

  /** @param {number} place */
  function pick(place) {
    ui.place = place;
    ui.chosen = ui.rows.get(place)?.record ?? ui.chosen;
    model.send({ do: "pick", place, version: query().version });
    step(place);
  }

  /** Scrolls no further than needed. @param {number} place */
  function step(place) {
    list.scrollTop = scrollTopToSee(place, viewOf());
    draw();
  }

  function openDetail() {
    /** @type {HTMLElement | null} */ (detail.querySelector("[tabindex]"))?.focus();
  }

  // Lines that are no records.

  function updateBad() {
    const { count: number, lines, records } = model.get("bad");
    clear(bad).hidden = !number;
    if (!number) return;
    const title = h("button", { type: "button", class: "l-bad-head", "aria-expanded": String(ui.open), onclick: () => { ui.open = !ui.open; updateBad(); } }, mark(ui.open ? "open" : "closed"), mark("warning"), h("b", {}, `${number.toLocaleString("en")} bad ${number === 1 ? "line" : "lines"}`), h("span", { class: "l-muted" }, `skipped, the other ${records.toLocaleString("en")} are shown`));
    bad.append(h("div", { class: "l-bad-bar" }, title, h("span", { class: "l-mono l-bad-all" }, "trace.errors")));
    if (!ui.open) return;
    const more = number > lines.length ? h("div", { class: "l-bad-line l-muted" }, `${(number - lines.length).toLocaleString("en")} more: trace.errors`) : null;
    bad.append(h("div", { class: "l-bad-lines" }, ...lines.map((/** @type {any} */ one, /** @type {number} */ at) => badLine(one, () => model.send({ do: "bad", number: at }))), ...(more ? [more] : [])));
  }

  // Where in time.

  const axisOf = () => ({ from: 0, to: model.get("strip").cells, left: 12, width: Math.max(100, strip.clientWidth - 24) });

  function drawStrip() {
    clear(strip).append(...stripPieces({ strip: model.get("strip"), found: model.get("found"), span: model.get("window") }, axisOf()));
    strip.setAttribute("aria-label", `${model.get("counts")}: model calls above, tool calls below, against time`);
  }

  /** @param {MouseEvent} event */
  function chooseMoment(event) {
    const axis = axisOf();
    if (others.isShown()) model.send({ do: "show", table: "records" });
    model.send({ do: "moment", share: Math.max(0, Math.min(1, toMs(axis, event.clientX - strip.getBoundingClientRect().left) / axis.to)) });
  }

  // The whole record.

  function updateDetail() {
    const hadFocus = detail.contains(document.activeElement);
    clear(detail).append(...wholeRecord(model.get("detail")));
    if (hadFocus) (/** @type {HTMLElement | null} */ (detail.querySelector("[tabindex]")) ?? list).focus({ preventScroll: true });
  }

  function updateTitles() {
    const [title, counts] = titles.children;
    title.textContent = model.get("title");
    counts.textContent = model.get("counts");
    live.hidden = !model.get("is_following");
  }

  function updateSelection() {
    ui.chosen = model.get("selection");
    draw();
  }

  function updateProblem() {
    problem.textContent = model.get("problem");
    problem.hidden = !problem.textContent;
    if (!problem.textContent) return;
    answered();
    updateFilters();
  }

  /** @param {{ kind: string, version: number, from: number, rows: any[] }} message */
  function receive({ kind, version, from, rows }) {
    if (kind !== "rows") return;
    if (version === query().version) ui.rows.put(from, rows);
    windows.answered();
    draw();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target === search) {
      if (event.key === "Enter") findNext(event.shiftKey ? -1 : 1);
      if (event.key === "Escape" && search.value) find("");
      else if (event.key === "Escape") list.focus();
      return;
    }
    if (target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (others.isShown()) {
      if (others.key(event)) event.preventDefault();
      return;
    }
    const moved = list.contains(target) ? movedTo(event.key, ui.place, count(), SHOWN - 1) : null;
    if (moved !== null) pick(moved);
    else if (event.key === "/") search.focus();
    else if (event.key === "[" || event.key === "]") model.send({ do: "turn", by: event.key === "[" ? -1 : 1 });
    else if (event.key === "Enter" && target === list) openDetail();
    else if (event.key === "Escape" && target !== list) list.focus();
    else return;
    event.preventDefault();
  }

  life.on(search, "input", () => {
    clearTimeout(typing);
    showWipe();
    typing = window.setTimeout(() => find(search.value), TYPING);
  });
  let frame = 0;
  life.on(list, "scroll", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  });
  life.add(() => {
    clearTimeout(typing);
    clearTimeout(slow);
    cancelAnimationFrame(frame);
  });
  life.on(el, "keydown", key);
  life.on(model, "change:query", () => {
    updateAnswer();
    answered();
  });
  life.on(model, "change:place", () => (ui.place = model.get("place")));
  life.on(model, "change:selection", updateSelection);
  life.on(model, "change:detail", () => {
    updateDetail();
    ui.place = model.get("place");
    if (ui.place >= 0) reveal(ui.place);
    draw();
  });
  life.on(model, "change:bad", () => {
    updateBad();
    draw();
  });
  life.on(model, "change:problem", updateProblem);
  for (const name of ["title", "counts", "is_following"]) life.on(model, `change:${name}`, updateTitles);
  for (const name of ["strip", "found", "window"]) life.on(model, `change:${name}`, drawStrip);
  life.on(model, "msg:custom", receive);
  const watch = new ResizeObserver(() => {
    drawStrip();
    draw();
    others.draw();
  });
  watch.observe(el);
  life.add(() => watch.disconnect());
  updateTitles();
  updateBad();
  updateDetail();
  updateAnswer();
  others.update();
  drawStrip();
  return () => life.dispose();
}

export default { render };
