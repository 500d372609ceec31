import { h } from "./kit.js";

/** What a model said, drawn: Python has read its Markdown, and this half makes the elements. */

/** @typedef {[string, Record<string, string>, ...(string | Tree)[]]} Tree */

const TAGS = new Set(["div", "p", "span", "b", "a", "br", "hr", "pre", "code", "em", "strong", "s", "ul", "ol", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td"]);
const ATTRIBUTES = new Set(["style", "role", "aria-level", "aria-label", "start", "href", "title", "target", "rel"]);

/** Whether an element is one that a reply may have. Python makes no other; whoever speaks in its place could. @param {string} tag @param {Record<string, string>} attributes */
export function isProse(tag, attributes) {
  return TAGS.has(tag) && Object.keys(attributes).every((name) => ATTRIBUTES.has(name)) && /^(https?:|mailto:|$)/i.test(attributes.href ?? "");
}

/** An element that no reply has is left out, and what stands in it is told. @param {Tree} tree @returns {HTMLElement} */
function element([tag, attributes, ...children]) {
  const inside = children.map((child) => (typeof child === "string" ? child : element(child)));
  return isProse(tag, attributes) ? h(tag, attributes, ...inside) : h("span", {}, ...inside);
}

/** @param {{ drawn: Tree, text: string }} said its Markdown, and what is to be told below it */
export function prose({ drawn, text }) {
  return h("div", { class: "l-prose" }, element(drawn), text ? h("span", { class: "l-muted" }, text) : null);
}
