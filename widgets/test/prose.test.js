import assert from "node:assert/strict";
import { test } from "node:test";
import { isProse } from "../src/prose.js";

test("a reply has only elements and attributes of a text, and links to pages and mailboxes", () => {
  assert.ok(isProse("p", { style: "margin:0" }));
  assert.ok(isProse("a", { href: "https://example.org", title: "x", target: "_blank", rel: "noopener" }));
  for (const tag of ["script", "img", "iframe", "svg", "style", "input", "SCRIPT"]) assert.ok(!isProse(tag, {}), tag);
  for (const name of ["onclick", "src", "srcdoc", "id", "class", "data-x"]) assert.ok(!isProse("p", { [name]: "x" }), name);
  for (const href of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//host", "/files", "#top"]) assert.ok(!isProse("a", { href }), href);
});
