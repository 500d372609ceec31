import assert from "node:assert/strict";
import { test } from "node:test";
import { isPicture } from "../src/pictures.js";

test("a picture is bytes of a format that holds no script, and never an address", () => {
  for (const type of ["png", "jpeg", "gif", "webp", "bmp"]) assert.ok(isPicture(`data:image/${type};base64,iVBORw0KGgo=`), type);
  for (const type of ["svg+xml", "png,", "x-icon"]) assert.ok(!isPicture(`data:image/${type};base64,iVBORw0KGgo=`), type);
  for (const source of ["", "https://example.org/a.png", "javascript:alert(1)", "data:text/html;base64,aGk=", " data:image/png;base64,aGk=", "data:image/png;base64,a\"b"]) assert.ok(!isPicture(source), source);
});
