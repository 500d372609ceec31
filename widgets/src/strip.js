import { s } from "./kit.js";
import { numbered, toX } from "./timeline_geometry.js";

/** Parts of a strip on which all turns of a trace stand: their numbers, and the window on one of them. */

/**
 * The numbers of the turns, as many as have room.
 * @param {[number, number, string][]} turns @param {import("./timeline_geometry.js").Axis} axis @param {{ y: number, chosen: number, lit?: Set<number> }} options `lit`: turns that stand out
 */
export function turnNumbers(turns, axis, { y, chosen, lit }) {
  return numbered(turns, axis, chosen).map((one) => {
    const look = one === chosen ? " l-bold" : lit?.has(one) ? " l-lit" : "";
    const middle = (toX(axis, turns[one][0]) + toX(axis, turns[one][1])) / 2;
    return s("text", { x: Math.min(middle, axis.left + axis.width + 8 - 3.5 * turns[one][2].length), y, class: `l-strip-number${look}` }, turns[one][2]);
  });
}

/**
 * The window on a span of the strip; nothing for no span.
 * @param {ArrayLike<number> & { 0?: any, 1?: any } | undefined} span @param {import("./timeline_geometry.js").Axis} axis @param {number} y @param {number} height
 */
export function stripWindow(span, axis, y, height) {
  if (!span?.length) return [];
  const x = toX(axis, span[0]) - 2;
  return [s("rect", { x, y, width: Math.max(6, toX(axis, span[1]) - x + 2), height, class: "l-strip-window" })];
}
