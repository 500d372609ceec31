import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonFolds } from "../src/kit.js";
import { countWords, HIGHEST, listHeight, rowStore, scrollTopOf, scrollTopToSee, topRow, turnstile } from "../src/trace_explorer_rows.js";
import { sheetColumns } from "../src/trace_explorer_tables.js";

const view = { height: 520, rowHeight: 26, count: 300_000 };

test("three hundred thousand rows have a true scroll bar: a pixel is a pixel", () => {
  assert.equal(listHeight(300_000, 26), 7_800_000);
  assert.equal(topRow({ ...view, top: 2_600 }), 100);
  assert.equal(topRow({ ...view, top: 7_800_000 - 520 }), 300_000 - 20);
});

test("above what a browser can draw the bar stands for more, and both ends are reached", () => {
  const many = { ...view, count: 5_000_000 };

  assert.equal(listHeight(many.count, 26), HIGHEST);
  assert.equal(topRow({ ...many, top: 0 }), 0);
  assert.equal(topRow({ ...many, top: HIGHEST - 520 }), 5_000_000 - 20);
});

test("scrolling to a row and reading the row at the top are each other's inverse", () => {
  for (const count of [21, 300_000, 5_000_000]) for (const row of [0, 0.5, 1, count - 20]) assert.ok(Math.abs(topRow({ ...view, count, top: scrollTopOf(row, { ...view, count }) }) - Math.min(row, count - 20)) < 1e-6);
});

test("a row is scrolled to no further than needed", () => {
  const at = { ...view, top: 2_600 };

  assert.equal(scrollTopToSee(110, at), 2_600);
  assert.ok(Math.abs(scrollTopToSee(99, at) - 99 * 26) < 1e-6);
  assert.ok(Math.abs(scrollTopToSee(120, at) - 101 * 26) < 1e-6);
});

test("a list that fits does not scroll", () => {
  assert.equal(topRow({ ...view, count: 3, top: 0 }), 0);
  assert.equal(scrollTopOf(2, { ...view, count: 3 }), 0);
});

test("only rows that are not here are asked for", () => {
  const rows = rowStore();
  rows.put(10, ["a", "b", "c"]);

  assert.deepEqual(rows.missing(8, 12), [8, 10]);
  assert.deepEqual(rows.missing(10, 15), [13, 15]);
  assert.equal(rows.missing(10, 13), null);
  assert.equal(rows.get(11), "b");
});

test("rows of the answer before are shown until the new ones come, and asked for all the same", () => {
  const before = rowStore();
  before.put(0, ["old"]);
  const rows = rowStore(before);

  assert.equal(rows.get(0), "old");
  assert.deepEqual(rows.missing(0, 1), [0, 1]);
  rows.put(0, ["new"]);
  assert.equal(rows.get(0), "new");
});

test("however often a trace grows, not all answers are kept", () => {
  let rows = rowStore();
  rows.put(0, ["first"]);
  for (let answer = 0; answer < 20_000; answer++) rows = rowStore(rows);

  assert.equal(rows.get(0), "first");
  assert.deepEqual(rows.missing(0, 1), [0, 1]);
});

test("however long one scrolls, not all rows are kept", () => {
  const rows = rowStore();
  for (let from = 0; from < 300_000; from += 200) rows.put(from, new Array(200).fill("x"));

  assert.equal(rows.get(0), undefined);
  assert.equal(rows.get(299_999), "x");
});

test("while an answer is awaited only the newest wish is kept", () => {
  const sent = /** @type {number[]} */ ([]);
  const gate = turnstile((/** @type {number} */ wish) => sent.push(wish));
  [1, 2, 3].forEach(gate.ask);
  gate.answered();
  gate.answered();
  gate.ask(4);

  assert.deepEqual(sent, [1, 3, 4]);
});

test("what was found is counted in words", () => {
  assert.equal(countWords(25, 203), "25 of 203");
  assert.equal(countWords(300_000, 300_000), "");
});

test("short JSON is open, long JSON is folded below its third level", () => {
  const short = ["{", '  "a": {', '    "b": {', '      "c": {', '        "d": 1', "      }", "    }", "  }", "}"];
  const filler = Array.from({ length: 40 }, (_, index) => `  "k${index}": ${index},`);
  const long = ["{", ...filler, ...short.slice(1)];

  assert.equal(jsonFolds(short).size, 0);
  assert.deepEqual([...jsonFolds(long)], [[43, 45]]);
});

test("columns of a table share the width by what they hold, and none is wider than its share", () => {
  const heads = /** @type {any[]} */ ([{ name: "tool", look: "name" }, { name: "calls", look: "number" }]);

  assert.equal(sheetColumns(heads), "minmax(0, 150fr) minmax(0, 76fr)");
});
