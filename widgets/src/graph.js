import { clear, factList, footer, h, header, idChip, kbd, mark, mount, movedTo, rowWindow, s } from "./kit.js";
import { smallPictures } from "./pictures.js";
import { prose } from "./prose.js";
import { edgePath, edgesByLane, edgesWithin, linesOf } from "./graph_geometry.js";

/** The session graph: rows on the screen only, lanes drawn for them. */

const ROW = 26;
const LANE = 18;
const LEFT = 20;
const LANES_SHOWN = 12;

/** @param {number} lane */
const laneX = (lane) => LEFT + Math.min(lane, LANES_SHOWN) * LANE;

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "graph" });
  const columns = model.get("columns");
  const count = columns.number.length;
  const edges = edgesByLane(columns.lane, columns.parent, columns.width);
  const orphans = new Set(columns.orphans);
  const pictures = new Set(columns.pictures);
  const ui = { openFolds: new Set(), openRows: new Set(), hideOrphans: false };
  let { lines, lineOf } = /** @type {ReturnType<typeof linesOf>} */ ({ lines: [], lineOf: new Int32Array(0) });

  const rowsBox = h("div", { class: "l-graph-rows" });
  const lanes = s("svg", { class: "l-graph-lanes", "aria-hidden": "true" });
  const sizer = h("div", { class: "l-graph-sizer" }, lanes, rowsBox);
  const list = h("div", { class: columns.took.some(Boolean) ? "l-graph-list" : "l-graph-list l-graph-bare", role: "tree", "aria-label": "Turns, newest first", tabindex: "0" }, sizer);
  list.style.setProperty("--l-graph-text", `${LEFT + Math.min(columns.width, LANES_SHOWN + 1) * LANE + 6}px`);
  list.style.setProperty("--l-graph-number", `${String(columns.number.reduce((/** @type {number} */ most, /** @type {number} */ one) => Math.max(most, one), 0)).length}ch`);
  const detail = h("div", { class: "l-graph-detail" });
  const search = /** @type {HTMLInputElement} */ (h("input", { placeholder: "Find in messages", "aria-label": "Find in messages" }));
  const hits = h("span", { class: "l-label", "aria-live": "polite" });
  const toggle = h("button", { type: "button", class: "l-button", "aria-pressed": "true", hidden: !orphans.size, onclick: toggleOrphans }, "Orphans");

  el.append(
    header(model.get("title"), model.get("counts"), hits, h("span", { class: "l-find" }, mark("search"), search, kbd("/")), toggle),
    h("div", { class: "l-graph-body" }, list, detail),
    footer(["newest first · ↑ ↓ row, ← → fold, Enter opens", model.get("note")].filter(Boolean).join(" · "), model, life),
  );
  if (!count) clear(el).append(header(model.get("title"), "no turns yet"), h("div", { class: "l-empty" }, "Nothing has been said in this session. Run a cell with %%lash and a prompt."));

  function toggleOrphans() {
    ui.hideOrphans = !ui.hideOrphans;
    toggle.setAttribute("aria-pressed", String(!ui.hideOrphans));
    updateLines();
  }

  function updateLines() {
    const opened = new Map([...ui.openRows].map((row) => [row, (model.get("opened")[row] ?? []).length]));
    ({ lines, lineOf } = linesOf({ count, folds: columns.folds, openFolds: ui.openFolds, opened, hidden: ui.hideOrphans ? orphans : new Set() }));
    sizer.style.height = `${lines.length * ROW}px`;
    draw();
  }

  function draw() {
    const [first, last] = rowWindow({ top: list.scrollTop, height: list.clientHeight || 560, rowHeight: ROW, count: lines.length });
    clear(rowsBox).append(...lines.slice(first, last).map((line, index) => lineElement(line, first + index)));
    drawLanes(first, last);
    list.setAttribute("aria-activedescendant", rowsBox.querySelector("[aria-selected=true]")?.id ?? "");
  }

  /** @param {import("./graph_geometry.js").Line} line @param {number} place */
  function lineElement(line, place) {
    const made = { turn: turnLine, fold: foldLine, node: nodeLine }[line.type](line);
    made.style.transform = `translateY(${place * ROW}px)`;
    made.id = `${model.get("twin")}-${line.type}-${line.row}-${line.index ?? ""}`;
    return made;
  }

  /** @param {import("./graph_geometry.js").Line} line */
  function turnLine({ row }) {
    const name = columns.names[row];
    const current = row === columns.current;
    const begins = columns.begins[row];
    const words = [name ? h("b", {}, name) : null, ...[begins, current ? "current" : ""].map((word) => (word ? h("span", { class: "l-muted" }, word) : null))];
    const chip = words.some(Boolean) ? h("span", { class: current ? "l-chip l-chip-current" : "l-chip" }, ...words) : null;
    const status = columns.marks[row];
    const open = ui.openRows.has(row);
    const element = h(
      "div",
      { class: "l-row l-graph-row", role: "treeitem", "aria-level": "1", "aria-expanded": String(open), "aria-selected": String(row === model.get("chosen")), title: columns.text[row], onclick: () => choose(row), ondblclick: () => toggleRow(row) },
      h("span", { class: "l-graph-fold", onclick: (/** @type {Event} */ event) => { event.stopPropagation(); toggleRow(row); } }, mark(open ? "open" : "closed")),
      h("span", { class: "l-number l-muted" }, String(columns.number[row])),
      h("span", { class: "l-cut l-graph-text" }, columns.text[row]),
      chip ?? h("span"),
      orphans.has(row) ? h("span", { class: "l-label" }, "orphan") : h("span"),
      h("span", { class: "l-graph-mark" }, pictures.has(row) ? mark("image", "carries attachments") : null, status && status !== "cancelled" ? mark(status, status) : null),
      ...numbers(columns.tools[row] ? `${columns.tools[row]} ${columns.tools[row] === 1 ? "tool" : "tools"}` : "", columns.took[row], columns.tokens[row]),
    );
    if (orphans.has(row)) element.classList.add("l-muted");
    return element;
  }

  /** @param {string} tools @param {string} took @param {string} tokens */
  const numbers = (tools, took, tokens) => [tools, took, tokens].map((value) => h("span", { class: "l-number l-muted" }, value));

  /** @param {import("./graph_geometry.js").Line} line */
  function foldLine({ fold = 0 }) {
    const [, , words, tools, took, tokens] = columns.folds[fold];
    return h(
      "div",
      { class: "l-row l-graph-row", role: "treeitem", "aria-level": "1", "aria-expanded": "false", onclick: () => openFold(fold) },
      h("span", { class: "l-graph-fold" }, mark("closed")),
      h("span"),
      h("span", { class: "l-cut l-muted l-graph-text" }, words),
      h("span"),
      h("span"),
      h("span"),
      ...numbers(tools, took, tokens),
    );
  }

  /** @param {import("./graph_geometry.js").Line} line */
  function nodeLine({ row, index = 0 }) {
    const node = model.get("opened")[row][index];
    return h("div", { class: "l-row l-graph-node", role: "treeitem", "aria-level": "2", title: node.text, onclick: () => choose(row) }, h("span", { class: "l-muted" }, node.role), h("span", { class: "l-cut" }, node.text));
  }

  /** @param {number} fold */
  function openFold(fold) {
    ui.openFolds.add(fold);
    updateLines();
  }

  /** @param {number} row */
  function choose(row) {
    model.send({ do: "select", row });
    list.focus({ preventScroll: true });
  }

  /** @param {number} row */
  function toggleRow(row) {
    if (ui.openRows.has(row)) ui.openRows.delete(row);
    else {
      ui.openRows.add(row);
      model.send({ do: "open", row });
    }
    updateLines();
  }

  /** @param {number} first @param {number} last */
  function drawLanes(first, last) {
    const top = lines[first]?.row ?? 0;
    const bottom = lines[Math.max(first, last - 1)]?.row ?? 0;
    const y = (/** @type {number} */ row) => lineOf[row] * ROW + ROW / 2;
    const drawn = edgesWithin(edges, top, Math.max(bottom, lines[last - 1]?.type === "fold" ? columns.folds[lines[last - 1].fold ?? 0][1] : bottom))
      .filter(([row, parent]) => !hiddenRow(row) && y(row) !== y(parent))
      .sort(([left], [right]) => columns.active[left] - columns.active[right])
      .map(([row, parent]) => s("path", { d: edgePath(laneX(columns.lane[row]), y(row), laneX(columns.lane[parent]), y(parent), ROW), class: edgeClass(row) }));
    const marks = lines.slice(first, last).map((line, index) => lineMark(line, (first + index) * ROW + ROW / 2));
    clear(lanes).append(...frameBoxes(top, bottom), ...drawn, ...marks);
    lanes.setAttribute("height", String(lines.length * ROW));
  }

  /** @param {number} row */
  const hiddenRow = (row) => ui.hideOrphans && orphans.has(row);
  /** @param {number} row */
  const edgeClass = (row) => (orphans.has(row) ? "l-edge l-edge-orphan" : columns.active[row] ? "l-edge l-edge-active" : "l-edge");

  /** @param {import("./graph_geometry.js").Line} line @param {number} y */
  function lineMark({ type, row }, y) {
    const x = laneX(columns.lane[row]);
    const way = columns.active[row] ? "l-node l-node-active" : "l-node";
    if (type === "node") return s("circle", { cx: x, cy: y, r: 3, class: `${way} l-node-ring` });
    if (type === "fold") return s("g", {}, s("rect", { x: x - 5, y: y - 9, width: 10, height: 18, rx: 5, class: `${way} l-node-ring` }), ...[-4, 0, 4].map((dy) => s("circle", { cx: x, cy: y + dy, r: 1, class: way })));
    if (columns.marks[row] === "cancelled") return s("g", { class: `${way} l-node-ring` }, s("circle", { cx: x, cy: y, r: 5.5 }), s("path", { d: `M${x - 3.6} ${y + 3.6}L${x + 3.6} ${y - 3.6}` }));
    if (orphans.has(row)) return s("circle", { cx: x, cy: y, r: 5, class: "l-node l-node-ring", "stroke-dasharray": "2 2" });
    const disc = s("circle", { cx: x, cy: y, r: 4.5, class: way });
    return row === columns.current ? s("g", {}, s("circle", { cx: x, cy: y, r: 8.5, class: "l-node-current" }), disc) : disc;
  }

  /** @param {number} top @param {number} bottom */
  function frameBoxes(top, bottom) {
    return columns.frames
      .filter((/** @type {any[]} */ [from, to]) => from <= bottom && to >= top)
      .map((/** @type {any[]} */ [from, to, label]) => {
        const y = lineOf[from] * ROW + 2;
        const height = (lineOf[to] - lineOf[from] + 1) * ROW - 4;
        return s("g", {}, s("rect", { x: laneX(columns.lane[from]) - 9, y, width: "calc(100% - 40px)", height, rx: 4, class: "l-frame" }), s("title", {}, label));
      });
  }

  function updateDetail() {
    const { title, where, mark: sign, status, text, facts, messages, attachments } = model.get("detail");
    clear(detail);
    if (!title) return detail.append(h("div", { class: "l-muted" }, "Click a turn to see it here."));
    detail.append(
      h("div", { class: "l-detail-head" }, h("b", {}, title), h("span", { class: "l-muted" }, where), h("span", { class: "l-tools" }, mark(sign), status)),
      h("p", {}, text),
      factList(facts.map((/** @type {string[]} */ [name, value, whole]) => [name, whole ? idChip(whole, value) : value])),
      ...(attachments.length ? [h("div", { class: "l-label l-detail-block" }, "Attachments"), smallPictures(attachments)] : []),
      h("div", { class: "l-label l-detail-block" }, "Messages"),
      ...messages.map((/** @type {any} */ message) => h("div", { class: "l-detail-message" }, h("span", { class: "l-muted" }, message.role), message.drawn ? prose(message) : h("span", {}, message.text))),
    );
  }

  /** @param {number} row */
  function reveal(row) {
    const fold = columns.folds.findIndex((/** @type {any[]} */ [from, to]) => from <= row && row <= to);
    if (fold >= 0 && !ui.openFolds.has(fold)) openFold(fold);
    const y = lineOf[row] * ROW;
    if (y < list.scrollTop || y + ROW > list.scrollTop + list.clientHeight) list.scrollTop = y - list.clientHeight / 2;
  }

  function updateChosen() {
    const row = model.get("chosen");
    if (row >= 0) reveal(row);
    draw();
  }

  function updateFound() {
    const { words = "", rows = [], cut } = model.get("found");
    hits.textContent = words ? (rows.length ? `${rows.length}${cut ? "+" : ""} found` : "nothing found") : "";
    if (rows.length) choose(rows.find((/** @type {number} */ row) => row > model.get("chosen")) ?? rows[0]);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.target === search) {
      if (event.key === "Enter") model.send({ do: "find", words: search.value });
      if (event.key === "Escape") list.focus();
      return;
    }
    const chosen = model.get("chosen");
    if (event.key === "/") search.focus();
    else if ((event.key === "ArrowRight" && !ui.openRows.has(chosen)) || (event.key === "ArrowLeft" && ui.openRows.has(chosen)) || event.key === "Enter") toggleRow(chosen);
    else if (event.key === "ArrowLeft" && columns.parent[chosen] >= 0) choose(columns.parent[chosen]);
    else if (!walk(event.key, chosen)) return;
    event.preventDefault();
  }

  /** @param {string} name @param {number} chosen */
  function walk(name, chosen) {
    const turns = lines.map((line, place) => ({ ...line, place })).filter((line) => line.type !== "node");
    const at = turns.findIndex((line) => line.row === chosen);
    const next = movedTo(name, at, turns.length);
    if (next === null) return false;
    if (turns[next].type === "fold") openFold(turns[next].fold ?? 0);
    choose(turns[next].row);
    return true;
  }

  let frame = 0;
  life.on(list, "scroll", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  });
  life.add(() => cancelAnimationFrame(frame));
  life.on(el, "keydown", key);
  life.on(model, "change:opened", updateLines);
  life.on(model, "change:chosen", updateChosen);
  life.on(model, "change:detail", updateDetail);
  life.on(model, "change:found", updateFound);
  const watch = new ResizeObserver(draw);
  watch.observe(list);
  life.add(() => watch.disconnect());
  updateLines();
  updateDetail();
  return () => life.dispose();
}

export default { render };
