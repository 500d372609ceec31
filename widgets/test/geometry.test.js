import assert from "node:assert/strict";
import { test } from "node:test";
import { edgePath, edgesByLane, edgesWithin, linesOf } from "../src/graph_geometry.js";
import { axisLabels, barsPath, densityPath, mergedMarks, numbered, placedLabels, roomFor, toMs, toX, turnAt } from "../src/timeline_geometry.js";

const none = { folds: [], openFolds: new Set(), opened: new Map(), hidden: new Set() };

test("a closed fold is one line, and all its rows share it", () => {
  const { lines, lineOf } = linesOf({ ...none, count: 6, folds: [[1, 3, "three", "", "", ""]] });

  assert.deepEqual(lines.map((line) => `${line.type} ${line.row}`), ["turn 0", "fold 1", "turn 4", "turn 5"]);
  assert.deepEqual([...lineOf], [0, 1, 1, 1, 2, 3]);
});

test("an opened fold shows its rows, an opened turn its nodes", () => {
  const { lines, lineOf } = linesOf({ ...none, count: 3, folds: [[0, 1, "two", "", "", ""]], openFolds: new Set([0]), opened: new Map([[1, 2]]) });

  assert.deepEqual(lines.map((line) => `${line.type} ${line.row}`), ["turn 0", "turn 1", "node 1", "node 1", "turn 2"]);
  assert.deepEqual([...lineOf], [0, 1, 4]);
});

test("hidden rows have no line", () => {
  assert.deepEqual(linesOf({ ...none, count: 3, hidden: new Set([1]) }).lines.map((line) => line.row), [0, 2]);
});

test("a window finds exactly the edges that cross it", () => {
  const lanes = [0, 1, 1, 0, 0];
  const parents = [3, 2, 4, 4, -1];
  const edges = edgesByLane(lanes, parents, 2);

  assert.deepEqual(edges, [[[0, 3], [3, 4]], [[1, 2], [2, 4]]]);
  assert.deepEqual(edgesWithin(edges, 1, 1), [[0, 3], [1, 2]]);
  assert.deepEqual(edgesWithin(edges, 4, 4), [[3, 4], [2, 4]]);
});

test("a hundred thousand rows are laid out at once and a window stays small", () => {
  const count = 100_000;
  const lanes = new Array(count).fill(0);
  const parents = lanes.map((_, row) => (row + 1 < count ? row + 1 : -1));

  assert.equal(linesOf({ ...none, count }).lines.length, count);
  assert.equal(edgesWithin(edgesByLane(lanes, parents, 1), 50_000, 50_020).length, 22);
});

test("an edge in its lane is straight, one to another lane bends at its end", () => {
  assert.equal(edgePath(20, 13, 20, 65, 26), "M20 13V65");
  assert.match(edgePath(38, 13, 20, 65, 26), /^M38 13V39C38 .* 20 65$/);
});

const axis = { from: 0, to: 1000, left: 10, width: 100 };

test("places and times are each other's inverse", () => {
  assert.equal(toX(axis, 500), 60);
  assert.ok(Math.abs(toMs(axis, toX(axis, 123)) - 123) < 1e-9);
});

test("a bar is never thinner than can be seen", () => {
  assert.equal(barsPath(axis, [[0, 0.1]], 5, 9), "M10.0 5h3.0v9h-3.0z");
});

test("a density strip fills its whole width", () => {
  assert.match(densityPath(axis, [0, 1], 0, 10), /^M10 10L10\.0 10\.0h50\.00L60\.0 0\.0h50\.00L110 10z$/);
});

test("turn numbers thin out where there is no room, the chosen one stays", () => {
  const turns = /** @type {[number, number, string][]} */ (Array.from({ length: 100 }, (_, place) => [place * 10, place * 10 + 10, String(place + 1)]));

  assert.deepEqual(numbered([[0, 200, "1"], [200, 400, "2"], [400, 405, "3"], [405, 800, "4"]], { ...axis, width: 200 }, 3), [0, 1, 2, 3]);
  assert.deepEqual(numbered([[0, 10, "1"], [10, 20, "2"], [500, 900, "3"]], axis, 1), [1, 2]);
  assert.ok(numbered(turns, axis, 41).includes(41));
  assert.ok(numbered(turns, axis, 41).length < 6);
});

test("numbers of three digits do not run into each other where turns are dense", () => {
  const turns = /** @type {[number, number, string][]} */ (Array.from({ length: 300 }, (_, place) => [place, place + 1, String(place + 1)]));
  const shown = numbered(turns, { ...axis, to: 1000, width: 1000 }, 0).filter((place) => place > 98);

  assert.ok(shown.length > 5);
  assert.ok(shown.every((place, index) => !index || place - shown[index - 1] >= 25));
});

test("near marks become one with a count, failures first, none is dropped", () => {
  const merged = mergedMarks([[0, "cancelled", 0], [10, "failed", 1], [900, "cancelled", 2]], axis);

  assert.deepEqual(merged.map(({ kind, count }) => [kind, count]), [["failed", 2], ["cancelled", 1]]);
});

test("a moment belongs to the last turn that had begun", () => {
  const turns = /** @type {[number, number, string][]} */ ([[0, 10, "1"], [20, 30, "2"]]);

  assert.deepEqual([-5, 0, 15, 20, 99].map((ms) => turnAt(turns, ms)), [0, 0, 0, 1, 1]);
});

test("an axis has as many ticks as there is room for their labels", () => {
  assert.deepEqual([80, 306, 432, 2000].map((width) => roomFor({ ...axis, width }, 8)), [2, 5, 7, 8]);
});

test("no label of an axis touches the one before", () => {
  const labels = (/** @type {number[]} */ places, /** @type {number} */ width) => placedLabels({ from: places[0], to: /** @type {number} */ (places.at(-1)), left: 0, width }, places);

  assert.deepEqual(labels([0, 50, 100], 200).map(({ x, label, first }) => [x, label, first]), [[0, "0 ms", true], [100, "50", false], [200, "100", false]]);
  assert.deepEqual(labels([0, 50, 100], 60).map(({ label }) => label), ["0 ms", "100"]);
  assert.deepEqual(labels([1234.5, 1235, 1235.5], 112).map(({ label }) => label), ["1234.5 ms", "1235.5"]);
});

test("axis labels carry the unit once, whole seconds each", () => {
  assert.deepEqual(axisLabels([0, 100, 200]), ["0 ms", "100", "200"]);
  assert.deepEqual(axisLabels([0, 1000, 2000]), ["0 s", "1 s", "2 s"]);
  assert.deepEqual(axisLabels([0, 0.5, 1]), ["0.0 ms", "0.5", "1.0"]);
});
