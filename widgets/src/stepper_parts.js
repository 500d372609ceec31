import { clear, dot, h, idChip, jsonBlock, kbd, mark } from "./kit.js";
import { smallPictures } from "./pictures.js";
import { prose } from "./prose.js";

/** What the stepper draws and never changes: the rail, the envelope's head, the conversation. */

/** @typedef {{ order: number, kind: string, word: string, what: string, mark: string, status: string, took: string, pending: boolean, quiet: boolean, origin: string }} Effect */
/** @typedef {{ label: string, took: string, open: boolean, ticks: string[], failed: number, rows: Effect[] }} RailTurn */

/** @param {Effect} effect @param {(order: number) => void} show @param {string} selected */
function effectRow(effect, show, selected) {
  const shape = effect.kind === "commit" ? mark("commit") : dot(effect.kind);
    return h(
    "button",
    {
      type: "button",
      class: `l-row l-rail-row l-effect${effect.pending ? " l-pending" : ""}`,
      "data-quiet": effect.quiet,
      "data-order": effect.order,
      "aria-selected": !effect.pending && selected === `effect ${effect.order}` ? "true" : null,
      tabindex: effect.pending ? "0" : "-1",
      title: [effect.word, effect.what, effect.status, effect.origin].filter(Boolean).join(" "),
      onclick: () => show(effect.order),
    },
    h("span", { class: "l-rail-mark" }, shape),
    h("span", { class: "l-said" }, h("span", { class: "l-what" }, h("span", {}, effect.word), " ", h("span", { class: "l-muted" }, effect.what)), effect.origin ? h("span", { class: "l-label" }, effect.origin) : null),
    effect.mark ? mark(/** @type {any} */ (effect.mark), effect.status) : h("span"),
    h("span", { class: "l-took" }, effect.took),
  );
}

/** @param {RailTurn} turn @param {Set<string>} opened @param {() => void} redraw */
function turnRow(turn, opened, redraw) {
  const open = turn.open || opened.has(turn.label);
  const toggle = () => {
    if (opened.has(turn.label)) opened.delete(turn.label);
    else opened.add(turn.label);
    redraw();
  };
  const ticks = turn.open ? null : h("span", { class: "l-ticks", "aria-hidden": "true" }, ...turn.ticks.slice(0, 12).map((kind) => h("span", { class: "l-tick", "data-kind": kind })));
  const failed = turn.failed ? h("span", { class: "l-rail-failed l-failure", title: `${turn.failed} failed` }, mark("failed", "failed"), String(turn.failed)) : null;
  return h(
    "button",
    { type: "button", class: "l-row l-rail-row", "aria-expanded": String(open), tabindex: "-1", onclick: toggle },
    mark(open ? "open" : "closed"),
    h("span", { class: "l-what" }, turn.label, ticks),
    failed ?? h("span"),
    h("span", { class: "l-took l-muted" }, turn.took),
  );
}

/**
 * Draws the rail. @param {HTMLElement} list @param {RailTurn[]} turns @param {{ opened: Set<string>, show: (order: number) => void, selected: string, waiting: boolean }} options
 */
export function drawRail(list, turns, { opened, show, selected, waiting }) {
  const redraw = () => drawRail(list, turns, { opened, show, selected, waiting });
  const rows = turns.flatMap((turn) => {
    const open = turn.open || opened.has(turn.label);
    return [turnRow(turn, opened, redraw), ...(open ? turn.rows.map((effect) => effectRow(effect, show, selected)) : [])];
  });
  const next = h("div", { class: "l-rail-row l-effect", "data-quiet": true }, h("span", { class: "l-rail-mark" }, mark("waiting")), h("span", { class: "l-what" }, "next: known after this outcome"));
  clear(list).append(...rows, ...(waiting ? [next] : []));
  if (!rows.length) list.append(h("div", { class: "l-empty" }, "No effects yet. Start a turn: %lash step \"…\""));
}

/** Arrow keys walk the rail, Enter shows what stands there. @param {KeyboardEvent} event @param {HTMLElement} list */
export function walkRail(event, list) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button.l-rail-row")]);
  rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(/** @type {any} */ (document.activeElement)) + step))]?.focus();
  event.preventDefault();
}

/** @param {any} envelope @param {string} newHash */
export function envelopeHead(envelope, newHash) {
  const hash = newHash && newHash !== envelope.hash ? [idChip(envelope.hash, envelope.hash.slice(0, 8)), " → ", idChip(newHash, newHash.slice(0, 8))] : [idChip(envelope.hash, envelope.hash.slice(0, 8))];
  return h(
    "div",
    { class: "l-envelope" },
    h("div", { class: "l-envelope-title" }, dot(envelope.kind), h("b", { title: envelope.title }, envelope.title), h("span", { class: "l-muted" }, envelope.kind), h("span", { class: "l-muted" }, envelope.note ?? "")),
    h(
      "div",
      { class: "l-envelope-facts" },
      h("span", { class: "l-muted" }, "replay key"),
      h("span", { class: "l-mono l-cut", title: envelope.replay_key }, envelope.replay_short),
      h("span", { class: "l-muted" }, "hash"),
      h("span", {}, ...hash),
      h("span", { class: "l-muted" }, "effect"),
      h("span", { class: "l-mono l-cut", title: envelope.effect_id }, envelope.effect_id),
      h("span", { class: "l-muted" }, "from"),
      h("span", { class: "l-mono l-cut", title: envelope.cause }, envelope.cause || "–"),
    ),
  );
}

/** What an effect that has run gave. @param {any} envelope */
export function outcomeBlock(envelope) {
  if (!envelope.outcome) return h("div", { class: "l-muted" }, envelope.note ?? "");
  return h("div", {}, h("div", { class: "l-label l-bold l-group" }, `Outcome, ${envelope.status}`), smallPictures(envelope.pictures ?? []), jsonBlock(envelope.outcome), cutNote(envelope.outcome_cut));
}

/** @param {string} cut */
export const cutNote = (cut) => (cut ? h("div", { class: "l-label" }, cut) : null);

/** @param {any} conversation @returns {HTMLElement[]} */
export function messages(conversation) {
  const items = conversation.items.map((/** @type {any} */ item) =>
    h(
      "div",
      { class: "l-message" },
      h("div", { class: "l-message-head l-label" }, h("span", {}, item.role), h("span", {}, item.took ?? "")),
      item.waiting ? h("div", { class: "l-muted" }, mark("waiting"), " waits for this envelope") : said(item),
    ),
  );
  const older = conversation.older ? [h("div", { class: "l-older" }, conversation.older)] : [];
  return [...older, h("div", { class: "l-conversation" }, ...items)];
}

/** @param {any} item */
function said(item) {
  if (item.drawn) return prose(item);
  return h("div", { class: item.mono ? "l-mono" : "" }, item.name ? h("span", {}, item.name) : null, h("span", { class: item.name ? "l-muted" : "" }, item.text));
}

/** The kinds as switches. @param {{ kind: string, on: boolean }[]} stops @param {(kinds: string[]) => void} send */
export function stopSwitches(stops, send) {
  const chosen = new Set(stops.filter((stop) => stop.on).map((stop) => stop.kind));
  return stops.map(({ kind, on }) => {
    const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", "aria-label": `Stop at ${kind}` }));
    box.checked = on;
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(kind);
      else chosen.delete(kind);
      send([...chosen]);
    });
    return h("label", {}, box, dot(kind), kind === "sync_execution_surface" ? "sync" : kind);
  });
}

/** A menu of places to continue to. @param {string[]} kinds @param {(kind: string | null) => void} choose */
export function continueMenu(kinds, choose) {
  const entry = (/** @type {string | null} */ kind) =>
    h("button", { type: "button", role: "menuitem", onclick: () => choose(kind) }, kind ? dot(kind) : mark("success"), kind ? `next ${kind}` : "end of the turn", kind ? null : kbd("c"));
  return h("div", { class: "l-menu", role: "menu" }, entry(null), ...kinds.map(entry));
}

/**
 * Scrolls a box to its newest; where it has no height, as soon as it has one: a notebook lays a view out after it was drawn, and a hidden one not at all.
 * @param {HTMLElement} box @param {() => void} scroll
 */
export function follower(box, scroll) {
  let due = false;
  const follow = () => {
    due = !box.clientHeight;
    scroll();
  };
  const watch = new ResizeObserver(() => {
    if (due) follow();
  });
  watch.observe(box);
  return { follow, end: () => watch.disconnect() };
}
