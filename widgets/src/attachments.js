import { button, clear, factList, footer, h, header, idChip, mark, mount, movedTo } from "./kit.js";
import { fileName, hexRows, pictureType } from "./attachments_bytes.js";

/** The attachments of a session as cards. Bytes become pictures only inside an `<img>`, everything else is text. */

/** @typedef {{ id: string, short: string, size: string, type: string, refs: string, state: string, shown: string, label: string, preview: string }} Card */

const FILTERS = /** @type {Record<string, (card: Card) => boolean>} */ ({
  All: () => true,
  Images: (card) => pictureType(card.shown) !== "" && card.state !== "missing",
  Other: (card) => pictureType(card.shown) === "" && card.state !== "missing",
  Missing: (card) => card.state === "missing",
});

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "attachments" });
  const urls = /** @type {Map<string, string>} */ (new Map());
  const ui = { filter: "All" };
  life.add(() => urls.forEach((url) => URL.revokeObjectURL(url)));

  const filters = h("span", { class: "l-tools" });
  const cards = h("div", { class: "l-cards", role: "listbox", "aria-label": "Attachments, newest first", tabindex: "0" });
  const detail = h("div", { class: "l-detail" });
  const all = () => /** @type {Card[]} */ (model.get("cards"));
  const shown = () => all().filter(FILTERS[ui.filter]);
  const chosen = () => all().find((card) => `attachment ${card.id}` === model.get("selection"));

  el.append(header("Attachments", model.get("counts"), filters), h("div", { class: "l-attachments-body" }, cards, detail), footer("newest first · ← ↑ ↓ → move, s saves", model, life));

  /** @param {Card} card @returns {Uint8Array | null} */
  function bytesOf(card) {
    const view = /** @type {DataView | undefined} */ (model.get("contents")[card.id]);
    return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : null;
  }

  /** @param {Card} card */
  function urlOf(card) {
    const bytes = bytesOf(card);
    if (!bytes) return "";
    const known = urls.get(card.id) ?? URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)], { type: pictureType(card.shown) || "application/octet-stream" }));
    urls.set(card.id, known);
    return known;
  }

  /** @param {Card} card @param {boolean} large */
  function picture(card, large) {
    if (card.state === "missing") return h("div", { class: "l-thumb l-thumb-note l-failure" }, mark("missing"), "bytes missing");
    const source = pictureType(card.shown) ? urlOf(card) : "";
    if (source) return h("div", { class: "l-thumb l-thumb-picture" }, h("img", { src: source, alt: card.label || card.short, draggable: "false" }));
    if (pictureType(card.shown)) return h("div", { class: "l-thumb l-thumb-note" }, "select to load");
    if (card.preview) return h("pre", { class: "l-thumb l-thumb-text" }, card.preview);
    const bytes = bytesOf(card);
    if (!bytes) return h("div", { class: "l-thumb l-thumb-note" }, card.type);
    return h("pre", { class: "l-thumb l-thumb-text" }, hexRows(bytes, 8, large ? 256 : 64).map((row) => (large ? `${row.offset}  ${row.hex}  ${row.text}` : row.hex)).join("\n"));
  }

  function updateFilters() {
    clear(filters).append(
      ...Object.entries(FILTERS).map(([name, keep]) => {
        const count = all().filter(keep).length;
        if (name !== "All" && !count) return "";
        return button({ label: `${name} ${count}`, icon: name === "Missing" ? "missing" : undefined, pressed: ui.filter === name, onclick: () => {
          ui.filter = name;
          update();
        } });
      }),
    );
  }

  /** @param {Card} card */
  function cardElement(card) {
    return h(
      "div",
      { class: "l-attachment", role: "option", "aria-selected": String(card === chosen()), "aria-label": `${card.short} ${card.type} ${card.size}`, onclick: () => choose(card) },
      picture(card, false),
      h("div", { class: "l-attachment-words" }, h("span", { class: "l-mono", title: card.id }, card.short), h("span", { class: "l-number l-muted" }, card.size), h("span", { class: "l-muted l-cut" }, card.type), h("span", { class: "l-number l-muted" }, card.refs)),
    );
  }

  function updateCards() {
    const list = shown();
    clear(cards).append(...list.map(cardElement));
    if (!all().length) cards.append(empty());
    else if (!list.length) cards.append(h("div", { class: "l-empty" }, `No attachment here; ${all().length} in all.`));
  }

  const empty = () => h("div", { class: "l-empty" }, h("div", {}, "No attachments. Put a picture on a turn:"), h("pre", { class: "l-sample" }, "%%lash --image chart.png\nWhat is on this picture?"));

  /** @param {Card} card */
  function choose(card) {
    model.send({ do: "select", id: card.id });
  }

  /** @param {Card} card */
  function save(card) {
    const bytes = bytesOf(card);
    if (!bytes) return;
    // Saved bytes are never opened as a page, whatever they are.
    const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)], { type: "application/octet-stream" }));
    h("a", { href: url, download: fileName(card) }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function updateDetail() {
    const card = chosen();
    clear(detail);
    if (!card) return all().length ? detail.append(h("div", { class: "l-muted" }, "Click an attachment to see it here.")) : undefined;
    const { facts = [], references = [], more = "", note = "" } = model.get("detail");
    detail.append(
      picture(card, true),
      h("div", { class: "l-detail-head" }, h("b", { class: "l-cut" }, card.label || card.short), h("span", { class: "l-tools" }, card.state === "missing" ? null : button({ label: "Save as", key: "s", icon: "save", disabled: !bytesOf(card), onclick: () => save(card) }))),
      note ? h("p", { class: card.state === "missing" ? "l-failure" : "l-muted" }, note) : "",
      factList([["content id", idChip(card.id, card.short)], ...facts]),
      h("div", { class: "l-label l-detail-block" }, "Referenced by"),
      ...references.map((/** @type {string[]} */ [what, id]) => h("div", { class: "l-reference" }, h("span", {}, what), h("span", { class: "l-mono l-muted", title: id }, id.slice(0, 12)))),
      more ? h("div", { class: "l-label" }, more) : "",
    );
  }

  function update() {
    updateFilters();
    updateCards();
    updateDetail();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const card = chosen();
    if (event.key === "s" && card) return save(card);
    const list = shown();
    const arrows = { ArrowLeft: "ArrowUp", ArrowRight: "ArrowDown" };
    const perRow = Math.max(1, Math.round(cards.clientWidth / (cards.firstElementChild?.clientWidth || 1)));
    const at = card ? list.indexOf(card) : -1;
    const sideways = arrows[/** @type {keyof typeof arrows} */ (event.key)];
    const place = sideways ? movedTo(sideways, at, list.length) : movedTo({ ArrowUp: "PageUp", ArrowDown: "PageDown" }[event.key] ?? event.key, at, list.length, perRow);
    if (place === null) return;
    choose(list[place]);
    event.preventDefault();
  }

  life.on(cards, "keydown", key);
  for (const name of ["cards", "contents"]) life.on(model, `change:${name}`, update);
  for (const name of ["selection", "detail"]) {
    life.on(model, `change:${name}`, () => {
      updateCards();
      updateDetail();
    });
  }
  update();
  return () => life.dispose();
}

export default { render };
