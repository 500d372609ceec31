import { button, clear, h, jsonBlock, link, mark, mount } from "./kit.js";
import { actionOf, badLine } from "./stepper_fields.js";
import { changesOf, draft, fieldRows, jsonEditor } from "./stepper_form.js";
import { continueMenu, cutNote, drawRail, envelopeHead, follower, messages, outcomeBlock, stopSwitches, walkRail } from "./stepper_parts.js";

/**
 * The stepper: what happened, what is about to happen, what the model knows.
 * It draws traits and sends commands; what an effect does is Python's business.
 */

const TABS = ["Fields", "JSON", "Schema"];
const ACTIONS = [
  { name: "next", label: "Next", key: "n", primary: true },
  { name: "continue", label: "Continue", key: "c" },
  { name: "edit", label: "Edit", key: "e" },
  { name: "inject", label: "Inject", key: "i" },
  { name: "fail", label: "Fail", key: "f" },
  { name: "cancel", label: "Cancel", key: "Esc" },
];

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const life = mount({ model, el, name: "stepper" });
  el.tabIndex = -1;
  /** @type {{ mode: "view" | "edit" | "inject", tab: string, form: import("./stepper_form.js").Draft, text: string, status: string, asking: boolean, order: number, stale: boolean, opened: Set<string> }} */
  const ui = { mode: "view", tab: "Fields", form: draft(), text: "", status: "success", asking: false, order: -1, stale: false, opened: new Set() };
  const send = (/** @type {string} */ verb, /** @type {object} */ more = {}) => model.send({ do: verb, ...more });
  const state = () => model.get("state");
  const envelope = () => model.get("envelope");

  const words = h("div", { class: "l-state", "aria-live": "polite" });
  const problem = h("div", { class: "l-problem", role: "alert", hidden: true });
  const list = h("div", { class: "l-scroll", role: "group", "aria-label": "Effects" });
  const railNote = h("div", { class: "l-rail-note" });
  const head = h("div");
  const middle = h("div", { class: "l-scroll" });
  const tokens = h("span", { class: "l-muted l-cut" });
  const talk = h("div", { class: "l-scroll" });
  const stops = h("div", { class: "l-stops" });
  const buttons = new Map(ACTIONS.map(({ name, ...options }) => [name, button({ ...options, onclick: () => act(name) })]));
  const more = h("button", { type: "button", class: "l-button", "aria-label": "Continue to", "aria-haspopup": "menu", onclick: toggleMenu }, mark("open"));
  const split = h("span", { class: "l-split" }, buttons.get("continue"), more);
  const bar = h("span", { class: "l-actions" }, ...ACTIONS.map(({ name }) => (name === "continue" ? split : buttons.get(name))));

  el.append(
    h("div", { class: "l-toolbar" }, words, bar),
    problem,
    h(
      "div",
      { class: "l-columns" },
      h("div", {}, h("div", { class: "l-column-head" }, h("b", {}, "Effects"), h("span", { class: "l-muted", "aria-hidden": "true" }, "↑ ↓")), list, railNote),
      h("div", {}, head, middle),
      h("div", {}, h("div", { class: "l-column-head" }, h("b", {}, "Conversation"), tokens), talk),
    ),
    stops,
  );

  const ready = () => state().phase === "paused" && !ui.stale;
  const edited = () => (ui.tab === "JSON" ? { json: ui.text } : { changes: changesOf(ui.form, envelope().fields) });
  const injected = () => ({ status: ui.status, values: Object.fromEntries(envelope().inject[ui.status].map((/** @type {any} */ field) => [field.label, ui.form.texts.get(field.path.join("\u0000")) ?? field.value])) });
  const broken = () => ui.form.problems.size > 0 || (ui.mode === "edit" && ui.tab === "JSON" && badLine(ui.text) > 0);

  /** @type {Record<string, () => void>} */
  const actions = {
    next: () => (ui.mode === "edit" ? run("step", { edited: edited() }) : run("step")),
    continue: () => run("continue", { to: null }),
    edit: () => openForm("edit", "success"),
    inject: () => openForm("inject", "success"),
    fail: () => openForm("inject", "failure"),
    cancel: askCancel,
    back: closeForm,
  };

  /** @param {string} name */
  function act(name) {
    if (buttons.get(name)?.getAttribute("aria-disabled") === "true") return;
    actions[name]();
  }

  /** @param {string} verb @param {object} [rest] */
  function run(verb, rest) {
    if (broken()) return;
    send(verb, rest);
    el.focus({ preventScroll: true });
  }

  function askCancel() {
    if (ui.asking) send("cancel");
    ui.asking = !ui.asking;
    updateBar();
  }

  /** @param {"edit" | "inject"} mode @param {string} status */
  function openForm(mode, status) {
    if (!envelope().pending) return send("show", { order: -1 });
    if (mode === "inject" && !envelope().inject[status]) return;
    Object.assign(ui, { mode, status, form: draft(), text: envelope().json, tab: mode === "edit" && !envelope().editable ? "JSON" : "Fields" });
    updateAll();
    /** @type {HTMLElement | null} */ (middle.querySelector("input:not([readonly]), textarea, select"))?.focus({ preventScroll: true });
    check();
  }

  function closeForm() {
    Object.assign(ui, { mode: "view", form: draft(), tab: "Fields" });
    updateAll();
    el.focus({ preventScroll: true });
  }

  let timer = 0;
  function check() {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (broken()) return;
      if (ui.mode === "edit") send("check", { edited: edited() });
      if (ui.mode === "inject") send("preview", { outcome: injected() });
    }, 150);
    updateBar();
    updateSend();
  }

  function toggleMenu() {
    const open = split.querySelector(".l-menu");
    if (open || more.getAttribute("aria-disabled") === "true") return open?.remove();
    const menu = continueMenu(state().kinds, (kind) => {
      menu.remove();
      run("continue", { to: kind });
    });
    split.append(menu);
    /** @type {HTMLElement | null} */ (menu.querySelector("button"))?.focus();
  }

  function updateBar() {
    const { phase, turn, kept, title, detail } = state();
    bar.hidden = kept;
    const note = ui.stale ? "the kernel no longer answers this page: run %lash step for a new stepper" : detail;
    clear(words).append(mark(state().mark), turn ? h("span", { class: "l-muted l-turn" }, `${turn} ·`) : "", h("b", {}, ui.stale ? "Disconnected" : title), h("span", { class: "l-muted l-cut", title: note }, note));
    const free = ready() && ui.mode === "view";
    for (const [name, one] of buttons) {
      const off = name === "cancel" ? ui.mode !== "view" || ui.stale || !["paused", "running"].includes(phase) : !(free || (ui.mode === "edit" && name === "next" && ready() && !broken()));
      one.setAttribute("aria-disabled", String(off || (name === "edit" && !envelope().pending)));
      const pressed = (ui.mode === "edit" && name === "edit") || (ui.mode === "inject" && name === (ui.status === "failure" ? "fail" : "inject"));
      one.setAttribute("aria-pressed", String(pressed));
    }
    more.setAttribute("aria-disabled", String(!free));
    relabel("next", ui.mode === "edit" ? "Run edited" : "Next");
    relabel("cancel", ui.asking ? "Really cancel" : "Cancel");
  }

  /** @param {string} name @param {string} label */
  function relabel(name, label) {
    const one = /** @type {HTMLElement} */ (buttons.get(name));
    one.setAttribute("aria-label", label);
    /** @type {Text} */ (one.firstChild).data = label;
  }

  function updateProblem() {
    const { message = "" } = model.get("problem");
    problem.hidden = !message;
    problem.textContent = message;
  }

  function updateRail() {
    const rail = model.get("rail");
    drawRail(list, rail.turns, { opened: ui.opened, show: (order) => send("show", { order }), selected: model.get("selection"), waiting: state().phase === "paused" });
    clear(railNote).append(...rail.notes.map((/** @type {string} */ note) => h("div", {}, note)));
    newestEffect.follow();
  }

  const newestEffect = follower(list, () => {
    const pending = /** @type {HTMLElement | null} */ (list.querySelector(".l-pending"));
    list.scrollTop = pending ? pending.offsetTop - list.offsetTop - list.clientHeight + 60 : list.scrollHeight;
  });

  function updateHead() {
    if (!envelope().kind) return clear(head);
    clear(head).append(envelopeHead(envelope(), ui.mode === "edit" ? model.get("checked").hash : ""));
  }

  function tabContent() {
    const { fields, json, cut, schema, pending } = envelope();
    if (ui.tab === "Schema") return schema ? jsonBlock(schema) : h("div", { class: "l-muted" }, "No schema is known for this effect.");
    if (ui.tab === "JSON" && ui.mode === "edit") return jsonEditor(ui.text, typed, "Envelope as JSON");
    if (ui.tab === "JSON") return h("div", {}, jsonBlock(json), cutNote(cut));
    return h("div", {}, ...fieldRows(fields, ui.mode === "edit" ? ui.form : null, check), pending ? null : outcomeBlock(envelope()));
  }

  /** @param {string} text */
  function typed(text) {
    ui.text = text;
    check();
  }

  function viewForm() {
    const tabs = TABS.map((name) => h("button", { type: "button", role: "tab", class: "l-tab", "aria-selected": String(ui.tab === name), onclick: () => {
      ui.tab = name;
      updateMiddle();
      check();
    } }, name));
    const past = envelope().pending ? null : link("Back to the pending effect", () => send("show", { order: -1 }));
    return h("div", { class: "l-form" }, h("div", { class: "l-tabs", role: "tablist" }, ...tabs, past), h("div", { role: "tabpanel", "aria-label": ui.tab }, tabContent()), ...(ui.mode === "edit" ? [told, h("div", { class: "l-form-actions" }, button({ label: "Back", key: "Esc", onclick: closeForm }))] : []));
  }

  const told = h("div", { class: "l-label", "aria-live": "polite" });
  const preview = h("div");
  const go = button({ label: "Inject and go on", key: "Ctrl Enter", primary: true, onclick: () => run("inject", { outcome: injected() }) });

  function updateSend() {
    const { model_sees = "", problem: wrong = "", same_as = "" } = model.get("preview");
    const line = ui.mode === "edit" ? model.get("checked").problem ?? "" : wrong;
    clear(told);
    clear(preview);
    if (line) told.append(h("div", { class: "l-failure" }, line));
    if (ui.mode === "inject" && model_sees) preview.append(h("div", { class: "l-field" }, h("span", { class: "l-mono l-field-name" }, "model sees"), h("div", { class: "l-sunk-field l-mono" }, model_sees)));
    if (ui.mode === "inject" && same_as) told.append("Same as ", h("code", {}, same_as));
    go.toggleAttribute("disabled", broken() || Boolean(line));
  }

  function injectForm() {
    const choices = Object.keys(envelope().inject).map((status) => button({ label: status, pressed: ui.status === status, onclick: () => {
      Object.assign(ui, { status, form: draft() });
      updateMiddle();
      updateBar();
      check();
    } }));
    return h(
      "div",
      { class: "l-form" },
      h("div", { class: "l-form-actions" }, h("b", {}, "Inject an outcome"), h("span", { class: "l-muted" }, `${envelope().title} does not run`)),
      h("div", { class: "l-field" }, h("span", { class: "l-mono l-field-name" }, "status"), h("div", { class: "l-choice" }, ...choices)),
      ...fieldRows(envelope().inject[ui.status], ui.form, check),
      preview,
      h("div", { class: "l-form-actions" }, go, button({ label: "Back", key: "Esc", onclick: closeForm })),
      told,
    );
  }

  function updateMiddle() {
    if (!envelope().kind) return clear(middle).append(h("div", { class: "l-empty" }, state().empty));
    clear(middle).append(ui.mode === "inject" ? injectForm() : viewForm());
  }

  function updateTalk() {
    const conversation = model.get("conversation");
    tokens.textContent = conversation.tokens;
    tokens.title = conversation.last_call;
    clear(talk).append(...messages(conversation));
    newestWords.follow();
  }

  const newestWords = follower(talk, () => {
    talk.scrollTop = talk.scrollHeight;
  });

  function updateStops() {
    stops.hidden = state().kept;
    clear(stops).append(h("span", { class: "l-muted" }, "Stop at"), ...stopSwitches(state().stops, (kinds) => send("stop_at", { kinds })), h("span", {}, state().phase === "paused" ? "The kernel is free: other cells run" : ""));
  }

  function updateAll() {
    updateBar();
    updateHead();
    updateMiddle();
    updateSend();
  }

  function newEnvelope() {
    if (envelope().order !== ui.order) Object.assign(ui, { order: envelope().order, mode: "view", tab: "Fields", form: draft(), asking: false });
    updateAll();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (list.contains(target)) walkRail(event, list);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (ui.mode === "inject") go.click();
      else if (ui.mode === "edit") act("next");
    }
    const menu = split.querySelector(".l-menu");
    if (event.ctrlKey || event.metaKey || event.altKey || (menu && event.key !== "Escape")) return;
    if (menu) return menu.remove();
    const name = actionOf(event.key, ui.mode, target.matches("input:not([type=checkbox]), textarea, select"));
    if (!name) return;
    event.preventDefault();
    event.stopPropagation();
    if (name === "back") closeForm();
    else act(name);
  }

  life.on(el, "keydown", key);
  life.on(model, "change:state", () => {
    updateBar();
    updateStops();
    if (!envelope().kind) updateMiddle();
  });
  life.on(model, "change:problem", updateProblem);
  life.on(model, "change:rail", updateRail);
  life.on(model, "change:envelope", newEnvelope);
  life.on(model, "change:conversation", updateTalk);
  life.on(model, "change:selection", updateRail);
  life.on(model, "change:checked", () => {
    updateHead();
    updateSend();
  });
  life.on(model, "change:preview", updateSend);
  life.on(model, "comm_live_update", () => {
    ui.stale = true;
    updateBar();
  });
  life.add(() => clearTimeout(timer));
  life.add(newestEffect.end);
  life.add(newestWords.end);
  for (const update of [newEnvelope, updateProblem, updateRail, updateTalk, updateStops]) update();
  return () => life.dispose();
}

export default { render };
