import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName, hexRows, pictureType } from "../src/attachments_bytes.js";
import { actionOf, arrayItems, arrayText, badLine, readField, shownText } from "../src/stepper_fields.js";

/** @param {string} type @param {object} [more] */
const field = (type, more = {}) => ({ path: ["x"], label: "x", type, value: "", ...more });

test("a number goes back exactly as it was typed", () => {
  assert.deepEqual(readField(field("integer"), "9007199254740993"), { json: "9007199254740993", problem: "" });
  assert.deepEqual(readField(field("number"), " 1.50 "), { json: "1.50", problem: "" });
});

test("what is no number, or outside of its range, is told under the field", () => {
  assert.equal(readField(field("integer"), "1.5").problem, "a whole number is needed");
  assert.equal(readField(field("number"), "").problem, "a number is needed");
  assert.equal(readField(field("integer", { minimum: 3 }), "2").problem, "at least 3");
  assert.equal(readField(field("integer", { maximum: 3 }), "4").problem, "at most 3");
  assert.match(readField(field("json"), "{").problem, /^not JSON: /);
});

test("text becomes a JSON string and comes back", () => {
  const { json } = readField(field("string"), 'a "b" </script>');

  assert.equal(shownText(field("string"), json), 'a "b" </script>');
  assert.equal(shownText(field("number"), "3.3"), "3.3");
  assert.equal(shownText(field("string"), ""), "");
});

test("an array of plain values is cut into exact texts, anything deeper is not", () => {
  assert.deepEqual(arrayItems('[3.30, "a, b", null, 1e400]'), ["3.30", '"a, b"', "null", "1e400"]);
  assert.equal(arrayText(["1", "2"]), "[1, 2]");
  assert.equal(arrayItems('[{"a": 1}]'), null);
  assert.equal(arrayItems("[1, "), null);
});

test("the line of an error in JSON is found", () => {
  assert.equal(badLine('{"a": 1}'), 0);
  assert.equal(badLine('{\n  "a": 1,\n  oops\n}'), 3);
});

test("keys act on the toolbar, not while something is typed, and Escape leaves a form first", () => {
  assert.deepEqual(["n", "c", "e", "i", "f", "Escape", "x"].map((key) => actionOf(key, "view", false)), ["next", "continue", "edit", "inject", "fail", "cancel", null]);
  assert.equal(actionOf("n", "view", true), null);
  assert.equal(actionOf("n", "edit", false), null);
  assert.equal(actionOf("Escape", "inject", true), "back");
});

test("bytes are dumped with their place and what can be printed", () => {
  assert.deepEqual(hexRows(new Uint8Array([45, 113, 0, 255]), 2), [
    { offset: "000000", hex: "2d 71", text: "-q" },
    { offset: "000002", hex: "00 ff", text: ".." },
  ]);
});

test("only picture types may become an image, never HTML", () => {
  assert.equal(pictureType("png"), "image/png");
  assert.equal(pictureType("html"), "");
  assert.equal(pictureType("constructor"), "");
});

test("a file name keeps no path and no dots in front", () => {
  assert.equal(fileName({ id: "abcdef0123", label: "../../etc/pass wd", shown: "png" }), "_.._etc_pass wd.png");
  assert.equal(fileName({ id: "abcdef0123", label: "", shown: "hex" }), "abcdef01.bin");
  assert.equal(fileName({ id: "abcdef0123", label: "chart.png", shown: "png" }), "chart.png");
});
