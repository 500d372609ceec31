import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlainKey, jsonTokens, movedTo, rowWindow, shortId, ticks, unmasked } from "../src/kit.js";

test("JSON is cut into keys, strings, numbers and literals, and nothing is lost", () => {
  const text = '{"a": [1, -2.5e3, null, "x\\"y<script>"], "true": true}';
  const tokens = jsonTokens(text);

  assert.equal(tokens.map((token) => token.text).join(""), text);
  assert.deepEqual(
    tokens.filter((token) => token.type !== "plain").map((token) => `${token.type} ${token.text}`),
    ['key "a"', "number 1", "number -2.5e3", "literal null", 'string "x\\"y<script>"', 'key "true"', "literal true"],
  );
});

test("a text that was cut is one piece, however many quotes are in it", () => {
  for (const text of [`"${'say \\"yes\\" '.repeat(20_000)}`, `"${"\\".repeat(40_001)}`]) assert.deepEqual(jsonTokens(text), [{ text, type: "string" }]);
});

test("text that is no JSON comes through whole", () => {
  for (const text of ["", '"never closed', "{{7*7}} \u202e \u0000 tfn", "-", '\\"'.repeat(500)]) assert.equal(jsonTokens(text).map((token) => token.text).join(""), text);
});

test("only the rows on the screen and a few around them are drawn", () => {
  assert.deepEqual(rowWindow({ top: 0, height: 260, rowHeight: 26, count: 100_000 }), [0, 16]);
  assert.deepEqual(rowWindow({ top: 2600, height: 260, rowHeight: 26, count: 100_000 }), [94, 116]);
  assert.deepEqual(rowWindow({ top: 1e9, height: 260, rowHeight: 26, count: 10 }), [10, 10]);
});

test("keys move within the list and never out of it", () => {
  assert.deepEqual(["ArrowUp", "ArrowDown", "Home", "End", "PageDown"].map((key) => movedTo(key, 3, 8)), [2, 4, 0, 7, 7]);
  assert.equal(movedTo("x", 3, 8), null);
  assert.equal(movedTo("ArrowDown", -1, 0), null);
});

test("an axis has round ticks, as many as asked for at most", () => {
  assert.deepEqual(ticks(0, 694), [0, 100, 200, 300, 400, 500, 600]);
  assert.deepEqual(ticks(120, 131, 4), [120, 125, 130]);
  for (const span of [0.001, 1, 37, 999, 86_400_000]) assert.ok(ticks(0, span).length <= 8, String(span));
});

test("opaque ids are shortened, named ones are not", () => {
  assert.equal(shortId("c3887a1627e4d03f3930e6229902e8af"), "c3887a16");
  assert.equal(shortId("call_03"), "call_03");
  assert.equal(shortId("turn-04"), "turn-04");
});

test("plain keys stay in the view; shortcuts of the host and the way out do not", () => {
  for (const key of ["x", "j", "Escape", "Enter", "ArrowDown", "M"]) assert.ok(isPlainKey({ key }));
  for (const event of [{ key: "s", ctrlKey: true }, { key: "s", metaKey: true }, { key: "x", altKey: true }, { key: "Tab" }]) assert.ok(!isPlainKey(event));
});

test("what turns or hides a text is no part of it, letters and joiners are", () => {
  assert.equal(unmasked("a\u202eb\u2066c\x1b[2J\u{e0041}\ud800"), "a\ufffdb\ufffdc\ufffd[2J\ufffd\ufffd");
  for (const text of ["\u05e9\u05dc\u05d5\u05dd", "\u{1f469}\u200d\u{1f680}", "a\nb\tc\u00a0d"]) assert.equal(unmasked(text), text);
});
