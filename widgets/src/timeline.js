import { clear, dot, factList, footer, h, header, idChip, jsonBlock, kbd, mark, mount, movedTo, s, shortId, ticks } from "./kit.js";
import { stripWindow, turnNumbers } from "./strip.js";
import { barsPath, densityPath, mergedMarks, placedLabels, roomFor, toMs, toX, turnAt } from "./timeline_geometry.js";

/** The timeline: all turns above, the calls of one turn below, one call at the right. */

const ROW = 26;
const BAR = 13;
const LABELS = 196;
const RIGHT = 64;
const LEGEND = ["llm_call", "direct", "tool_call"];

/** @typedef {{ name: string, note: string, depth: number, kind: string, start: number, end: number, recorded: number, tick: number | null, took: string, mark: string, order: number }} Row */

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "timeline" });
  /** @type {{ zoom: [number, number] | null, closed: Set<number>, drag: number | null }} */
  const ui = { zoom: null, closed: new Set(), drag: null };

  const { turns: all, model: asked, direct: beside, tool: called } = model.get("overview");
  if (![all, asked, beside, called].some((list_) => list_.length)) {
    el.append(header(model.get("title"), model.get("counts")));
    return () => life.dispose();
  }

  const search = /** @type {HTMLInputElement} */ (h("input", { placeholder: "Find", "aria-label": "Find a tool, model or call" }));
  const step = (/** @type {number} */ by) => model.send({ do: "turn", place: model.get("place") + by });
  const previous = h("button", { type: "button", class: "l-button", "aria-label": "Previous turn", onclick: () => step(-1) }, "Turn", kbd("["));
  const next = h("button", { type: "button", class: "l-button", "aria-label": "Next turn", onclick: () => step(1) }, kbd("]"));
  const strip = s("svg", { class: "l-strip", height: 92, role: "img", "aria-label": model.get("counts"), onclick: chooseTurn });
  const list = h("div", { class: "l-waterfall", role: "tree", "aria-label": "Calls of the turn", tabindex: "0" });
  const detail = h("div", { class: "l-detail" });
  const card = h("div", { class: "l-card", hidden: true });
  const legend = h(
    "div",
    { class: "l-legend" },
    ...LEGEND.map((kind) => h("span", { "data-drawn": kind }, h("span", { class: "l-dot l-square", "data-kind": kind }), kind)),
    ...["failed", "cancelled"].map((kind) => h("span", { class: "l-muted", "data-drawn": kind }, mark(/** @type {any} */ (kind)), kind)),
    h("span", { class: "l-muted", title: "A bar is the time that a call reports; its end was recorded later, and the thin line goes on to that." }, "─┤ until recorded"),
    h("span", { class: "l-muted l-legend-hint" }, "drag to zoom, ", kbd("0"), " fits"),
  );
  el.append(
    header(model.get("title"), model.get("counts"), h("span", { class: "l-find" }, mark("search"), search), h("span", { class: "l-turns" }, previous, next)),
    h("div", { class: "l-strip-box" }, strip),
    legend,
    h("div", { class: "l-timeline-body" }, h("div", { class: "l-waterfall-box" }, list, card), detail),
    footer(model.get("shown"), model, life),
  );

  const stripAxis = () => ({ from: 0, to: model.get("overview").total, left: 12, width: Math.max(100, strip.clientWidth - 24) });

  function drawStrip() {
    const { turns, model: calls, direct, tool, marks, density } = model.get("overview");
    const axis = stripAxis();
    const place = model.get("place");
    const draw = density ? densityPath : barsPath;
    const ground = s("path", { d: barsPath(axis, turns, 24, 34), class: "l-strip-ground" });
    const bars = [["llm_call", calls, 30], ["direct", direct, 30], ["tool_call", tool, 43]].map(([kind, list_, y]) => s("path", { d: draw(axis, list_, y, 9), "data-kind": kind }));
    const numbers = turnNumbers(turns, axis, { y: 71, chosen: place });
    const seconds = timeLabels(axis, ticks(0, axis.to, roomFor(axis, 11)), 87);
    clear(strip).append(ground, ...bars, ...numbers, ...seconds, ...stripMarks(marks, axis), ...stripWindow(turns[place], axis, 24, 34));
  }

  /** @param {import("./timeline_geometry.js").Axis} axis @param {number[]} places @param {number} y */
  const timeLabels = (axis, places, y) => placedLabels(axis, places).map(({ x, label, first }) => s("text", { x, y, class: first ? "l-strip-time l-first" : "l-strip-time" }, label));

  /** @param {[number, string, number][]} marks @param {import("./timeline_geometry.js").Axis} axis */
  function stripMarks(marks, axis) {
    return mergedMarks(marks, axis).map(({ x, kind, count }) => {
      const sign = mark(/** @type {any} */ (kind), kind);
      sign.setAttribute("x", String(x - 7));
      sign.setAttribute("y", "4");
      return s("g", {}, sign, count > 1 ? s("text", { x: x + 12, y: 15, class: "l-strip-number" }, String(count)) : null);
    });
  }

  /** @param {MouseEvent} event */
  function chooseTurn(event) {
    const x = event.clientX - strip.getBoundingClientRect().left;
    model.send({ do: "turn", place: turnAt(model.get("overview").turns, toMs(stripAxis(), x)) });
  }

  /** Only what is drawn has a place in the legend. */
  function drawLegend() {
    const { model: asked, direct, tool, marks } = model.get("overview");
    const drawn = new Set([...marks.map((/** @type {any[]} */ one) => one[1]), ...rows().flatMap(({ kind, mark }) => [kind, mark])]);
    [asked, direct, tool].forEach((calls, at) => calls.length && drawn.add(LEGEND[at]));
    for (const one of legend.querySelectorAll("[data-drawn]")) one.toggleAttribute("hidden", !drawn.has(/** @type {HTMLElement} */ (one).dataset.drawn));
  }

  const rows = () => /** @type {Row[]} */ (model.get("waterfall").rows ?? []);
  const axisOf = () => {
    const [from, to] = ui.zoom ?? [0, model.get("waterfall").total ?? 1];
    return { from, to, left: LABELS, width: Math.max(80, list.clientWidth - LABELS - RIGHT - 12) };
  };

  /** Rows that no closed group hides. */
  function visibleRows() {
    const shown = /** @type {{ row: Row, at: number }[]} */ ([]);
    let hide = Infinity;
    rows().forEach((row, at) => {
      if (row.depth > hide) return;
      hide = ui.closed.has(at) ? row.depth : Infinity;
      shown.push({ row, at });
    });
    return shown;
  }

  function drawRows() {
    const axis = axisOf();
    const shown = visibleRows();
    const height = shown.length * ROW + 30;
    const grid = ticks(axis.from, axis.to, roomFor(axis, 8)).filter((ms) => toX(axis, ms) < axis.left + axis.width - 10);
    const lines = s(
      "svg",
      { class: "l-waterfall-bars", width: "100%", height },
      hatch(),
      ...grid.map((ms) => s("path", { d: `M${toX(axis, ms)} 24V${height}`, class: "l-grid" })),
      ...timeLabels(axis, grid, 16),
      ...shown.flatMap(({ row }, place) => rowShapes(row, axis, 26 + place * ROW)),
    );
    clear(list).append(h("div", { class: "l-axis" }), ...shown.map(({ row, at }) => rowElement(row, at)), lines);
  }

  /** The pattern of failed bars. */
  const hatch = () => s("defs", {}, s("pattern", { id: `hatch-${model.get("twin")}`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, s("rect", { width: 3, height: 6, class: "l-hatch" })));

  /** @param {Row} row @param {import("./timeline_geometry.js").Axis} axis @param {number} top */
  function rowShapes(row, axis, top) {
    const [start, end, recorded] = [row.start, row.end, row.recorded].map((ms) => Math.max(axis.left, Math.min(axis.left + axis.width, toX(axis, ms))));
    if (!row.kind) return [s("path", { d: `M${start} ${top + 17}V${top + 9}H${end}V${top + 17}`, class: "l-bracket" })];
    const y = top + (ROW - BAR) / 2;
    const box = { x: start, y, width: Math.max(3, end - start), height: BAR, rx: 1 };
    const shapes = [s("path", { d: `M${end} ${top + 13}H${recorded}M${recorded} ${top + 8}v10`, class: "l-waited" }), s("rect", { ...box, "data-kind": row.kind, class: "l-bar" })];
    if (recorded - box.x - box.width < 5) shapes.shift();
    if (row.mark === "failed" || row.mark === "cancelled") {
      const sign = mark(/** @type {any} */ (row.mark), row.mark);
      sign.setAttribute("x", String(Math.max(start + 3, end) + 4));
      sign.setAttribute("y", String(top + 6));
      shapes.push(s("rect", { ...box, fill: `url(#hatch-${model.get("twin")})`, class: row.mark === "failed" ? "l-bar-failed" : "" }), sign);
    }
    if (row.tick !== null) shapes.push(s("rect", { x: toX(axis, row.tick) - 1, y: y - 3, width: 2.5, height: BAR + 6, class: "l-first-token" }));
    return shapes;
  }

  /** @param {Row} row @param {number} at */
  function rowElement(row, at) {
    const group = !row.kind;
    return h(
      "div",
      {
        class: "l-row l-call",
        role: "treeitem",
        "aria-level": String(row.depth + 1),
        "aria-selected": String(row.order >= 0 && row.order === model.get("chosen")),
        "aria-label": [row.name, row.note, row.took, row.mark].filter(Boolean).join(", "),
        onclick: () => (row.order >= 0 ? model.send({ do: "select", order: row.order }) : toggle(at)),
        onpointerenter: (/** @type {PointerEvent} */ event) => showCard(row, event),
        onpointerleave: hideCard,
      },
      h("span", { class: "l-call-label l-cut", style: `padding-left:${row.depth * 18}px` }, group ? h("span", { class: "l-call-fold", onclick: (/** @type {Event} */ event) => { event.stopPropagation(); toggle(at); } }, mark(ui.closed.has(at) ? "closed" : "open")) : null, h("span", { class: row.depth ? "" : "l-bold" }, row.name), " ", h("span", { class: "l-muted" }, row.note)),
      h("span", { class: "l-number" }, row.took),
    );
  }

  /** @param {number} at */
  function toggle(at) {
    if (ui.closed.has(at)) ui.closed.delete(at);
    else ui.closed.add(at);
    drawRows();
  }

  let timer = 0;
  /** @param {Row} row @param {PointerEvent} event */
  function showCard(row, event) {
    clearTimeout(timer);
    const target = /** @type {HTMLElement} */ (event.currentTarget);
    timer = window.setTimeout(() => {
      if (!row.kind || ui.drag !== null) return;
      clear(card).append(
        h("div", {}, dot(row.kind), " ", h("b", {}, row.name), " ", h("span", { class: "l-muted" }, row.note)),
        h("div", {}, `starts at ${row.start.toFixed(3)} ms, took ${row.took}`),
        h("div", { class: "l-muted" }, row.recorded - row.end < 1 ? "recorded at its end" : `recorded ${(row.recorded - row.end).toFixed(3)} ms later`),
      );
      card.hidden = false;
      card.style.left = `${LABELS}px`;
      card.style.top = `${target.offsetTop + ROW + 2}px`;
    }, 300);
  }

  function hideCard() {
    clearTimeout(timer);
    card.hidden = true;
  }

  function updateTurn() {
    ui.zoom = null;
    ui.closed.clear();
    hideCard();
    drawLegend();
    drawStrip();
    drawRows();
  }

  function updateDetail() {
    const { kind, title, mark: sign, status, facts, sections } = model.get("detail");
    clear(detail);
    if (!title) return detail.append(h("div", { class: "l-muted" }, rows().length ? "Click a call to see it here." : "The trace holds no turn. Run one with %%lash, or open another file with %lash trace FILE."));
    detail.append(
      h("div", { class: "l-detail-head" }, kind ? dot(kind) : null, h("b", { class: "l-mono l-cut", title }, title), h("span", { class: sign === "failed" ? "l-tools l-failure l-bold" : "l-tools" }, mark(sign), status)),
      factList(facts.map((/** @type {string[]} */ [name, value]) => [name, name === "call" ? idChip(value, shortId(value)) : value])),
      ...sections.flatMap((/** @type {any} */ one) => [h("div", { class: "l-label l-detail-block" }, one.name), jsonBlock(one.json), one.cut ? h("div", { class: "l-label" }, one.cut) : ""]),
    );
  }

  /** @param {PointerEvent} event */
  const pointerMs = (event) => toMs(axisOf(), event.clientX - list.getBoundingClientRect().left);

  /** @param {PointerEvent} event */
  function endDrag(event) {
    const from = ui.drag;
    ui.drag = null;
    if (from === null) return;
    const [low, high] = [from, pointerMs(event)].sort((left, right) => left - right);
    const axis = axisOf();
    if (toX(axis, high) - toX(axis, low) < 8) return;
    ui.zoom = [Math.max(0, low), Math.min(model.get("waterfall").total, high)];
    drawRows();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.target === search) {
      if (event.key === "Enter") model.send({ do: "find", words: search.value });
      if (event.key === "Escape") list.focus();
      return;
    }
    const orders = rows().map((row) => row.order).filter((order) => order >= 0);
    const moved = movedTo(event.key, orders.indexOf(model.get("chosen")), orders.length);
    if (moved !== null) model.send({ do: "select", order: orders[moved] });
    else if (event.key === "[") step(-1);
    else if (event.key === "]") step(1);
    else if (event.key === "/") search.focus();
    else if (event.key === "0" || event.key === "Escape") {
      ui.zoom = null;
      drawRows();
    } else return;
    event.preventDefault();
  }

  life.on(el, "keydown", key);
  life.on(list, "pointerdown", (/** @type {PointerEvent} */ event) => {
    ui.drag = event.offsetX > 0 && event.clientX - list.getBoundingClientRect().left > LABELS ? pointerMs(event) : null;
  });
  life.on(window, "pointerup", endDrag);
  life.on(model, "change:waterfall", updateTurn);
  life.on(model, "change:chosen", drawRows);
  life.on(model, "change:detail", updateDetail);
  life.add(() => clearTimeout(timer));
  const watch = new ResizeObserver(() => {
    drawStrip();
    drawRows();
  });
  watch.observe(el);
  life.add(() => watch.disconnect());
  updateTurn();
  updateDetail();
  return () => life.dispose();
}

export default { render };
