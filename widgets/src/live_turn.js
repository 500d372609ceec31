import { button, h, mark, mount } from "./kit.js";

/**
 * A turn while it runs: its rows as they come, what runs now and for how long, and a line to speak into it.
 * Python tells what changed; nothing that stands on the page is drawn again, so that a selection, a scroll place and the height stay.
 */

const CLOCK_MS = 100;
const STATUS_MARKS = { running: "running", success: "success", failure: "failed", cancelled: "cancelled" };
const NOTE_MARKS = { retry: "retried", error: "failed", code: "closed", value: "success", said: "said" };

/** @typedef {{ kind: string, text: string, status: string, name: string, result: string, took: string }} Row */
/** @typedef {{ at: number, row?: Row, grown?: string }} Change */

/** Milliseconds as people read them, down to a tenth of a second. @param {number} ms */
export function clock(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** What a tool call says behind its arguments. @param {Row} row */
function outcome(row) {
  if (!row.result) return null;
  return h("span", { class: row.status === "failure" ? "l-failure" : "" }, ` → ${row.result}`);
}

/** @param {Row} row */
function toolRow(row) {
  const name = h("span", { class: "l-mono l-live-name" }, row.name);
  const said = h("span", { class: "l-cut l-grow", title: row.text }, h("span", { class: "l-mono l-muted" }, row.text), outcome(row));
  const took = h("span", { class: "l-number l-muted", "data-since": row.status === "running" ? String(performance.now()) : null }, row.took);
  return h("div", { class: "l-live-row" }, mark(/** @type {any} */ (STATUS_MARKS)[row.status] ?? "idle", row.status), name, said, took);
}

/** @type {Record<string, (row: Row) => HTMLElement>} */
const DRAW = {
  prose: (row) => h("div", { class: "l-live-prose" }, document.createTextNode(row.text)),
  tool: toolRow,
  note: (row) => h("div", { class: `l-live-row l-live-note${row.status === "error" ? " l-failure" : ""}` }, mark(/** @type {any} */ (NOTE_MARKS)[row.status] ?? "idle", row.status), h("span", { class: "l-grow" }, row.text)),
  more: (row) => h("div", { class: "l-live-row l-muted" }, row.text),
};

/** @param {HTMLElement} list @param {Change} change */
function apply(list, { at, row, grown }) {
  const there = list.children[at];
  if (grown !== undefined) {
    if (there?.firstChild) /** @type {Text} */ (there.firstChild).appendData(grown);
    return;
  }
  if (!row) return;
  const drawn = (DRAW[row.kind] ?? DRAW.more)(row);
  if (there) there.replaceWith(drawn);
  else list.append(drawn);
}

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "live-turn" });
  const send = (/** @type {string} */ verb, /** @type {object} */ more = {}) => model.send({ do: verb, ...more });
  const head = () => model.get("head") ?? {};
  let origin = performance.now();

  const title = h("span", { class: "l-title", "aria-live": "polite" });
  const place = h("span", { class: "l-muted l-cut" });
  const pause = button({ label: "Pause", title: "Stop before the next effect, as Ctrl-C does", onclick: () => send("pause") });
  const cancel = button({ label: "Cancel", title: "End the turn; what was said is kept", onclick: () => send("cancel") });
  const list = h("div", { class: "l-live-rows" });
  const now = h("span", { class: "l-cut" });
  const counts = h("span", { class: "l-live-counts" });
  const took = h("span", { class: "l-number" });
  const word = /** @type {HTMLInputElement} */ (h("input", { type: "text", "aria-label": "Say something to this turn", placeholder: "Say something to this turn, Enter sends it" }));
  const said = h("span", { class: "l-live-said", role: "status" });

  el.append(
    h("div", { class: "l-head" }, mark("running"), title, place, h("span", { class: "l-tools" }, pause, cancel)),
    list,
    h("div", { class: "l-live-say" }, word, said),
    h("div", { class: "l-foot" }, now, counts, took),
  );

  /** Rows never get less high while the turn runs: what stands below them on the page stays where it is. */
  function keepHeight() {
    const high = list.offsetHeight;
    if (high > (parseFloat(list.style.minHeight) || 0)) list.style.minHeight = `${high}px`;
  }

  function tick() {
    took.textContent = clock(performance.now() - origin);
    for (const one of list.querySelectorAll("[data-since]")) one.textContent = clock(performance.now() - Number(/** @type {HTMLElement} */ (one).dataset.since));
  }

  function updateHead() {
    const told = head();
    origin = performance.now() - (told.elapsed ?? 0);
    title.textContent = told.title ?? "";
    place.textContent = told.place ?? "";
    place.title = told.hint ?? "";
    now.textContent = told.now ?? "";
    counts.textContent = told.counts ?? "";
    /** @type {HTMLButtonElement} */ (pause).disabled = told.state !== "running";
    tick();
  }

  function updateSaid() {
    const { message = "", problem = false } = model.get("said") ?? {};
    said.textContent = message;
    said.classList.toggle("l-failure", problem);
  }

  /** @param {{ changes?: Change[], count?: number }} told */
  function updateRows({ changes, count }) {
    if (!changes) return;
    for (const change of changes) apply(list, change);
    while (list.children.length > (count ?? 0)) list.lastElementChild?.remove();
    list.querySelector(".l-live-writing")?.classList.remove("l-live-writing");
    if (list.lastElementChild?.classList.contains("l-live-prose")) list.lastElementChild.classList.add("l-live-writing");
    keepHeight();
  }

  life.on(word, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.isComposing || !word.value.trim()) return;
    send("say", { text: word.value });
    word.value = "";
  });
  life.on(model, "change:head", updateHead);
  life.on(model, "change:said", updateSaid);
  life.on(model, "msg:custom", updateRows);
  const timer = setInterval(tick, CLOCK_MS);
  life.add(() => clearInterval(timer));
  updateHead();
  updateSaid();
  send("show");
  return () => life.dispose();
}

export default { render };
