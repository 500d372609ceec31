/** Places on the timeline's axes: pure, so that node can test them. */

/** @typedef {{ from: number, to: number, left: number, width: number }} Axis a span of milliseconds over a span of pixels */

/** @param {Axis} axis @param {number} ms */
export const toX = (axis, ms) => axis.left + ((ms - axis.from) / (axis.to - axis.from)) * axis.width;

/** @param {Axis} axis @param {number} x */
export const toMs = (axis, x) => axis.from + ((x - axis.left) / axis.width) * (axis.to - axis.from);

/** Narrower bars could not be seen. */
const LEAST = 3;

/**
 * One path of many bars of the same colour, so that ten thousand bars are one element.
 * @param {Axis} axis @param {[number, number][]} bars @param {number} y @param {number} height
 */
export function barsPath(axis, bars, y, height) {
  return bars.map(([start, end]) => `M${toX(axis, start).toFixed(1)} ${y}h${Math.max(LEAST, toX(axis, end) - toX(axis, start)).toFixed(1)}v${height}h${(-Math.max(LEAST, toX(axis, end) - toX(axis, start))).toFixed(1)}z`).join("");
}

/**
 * The outline of a density strip: equal bins, 0 to 1.
 * @param {Axis} axis @param {number[]} bins @param {number} y @param {number} height
 */
export function densityPath(axis, bins, y, height) {
  const step = axis.width / bins.length;
  const tops = bins.map((share, index) => `L${(axis.left + index * step).toFixed(1)} ${(y + height * (1 - share)).toFixed(1)}h${step.toFixed(2)}`);
  return `M${axis.left} ${y + height}${tops.join("")}L${axis.left + axis.width} ${y + height}z`;
}

/**
 * Which turns get their number: all where there is room for it, else 1, 5, 10 … (the step grows until they fit).
 * @param {[number, number, string][]} turns @param {Axis} axis @param {number} chosen always among them @returns {number[]}
 */
export function numbered(turns, axis, chosen) {
  const room = axis.width / Math.max(1, turns.length);
  const step = room >= 12 ? 1 : [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find((one) => one * room >= 24) ?? turns.length;
  const places = turns.map((_, place) => place).filter((place) => step === 1 || place === chosen || (place + 1) % step === 0 || place === 0);
  const middle = (/** @type {number} */ place) => toX(axis, (turns[place][0] + turns[place][1]) / 2);
  const needs = (/** @type {number} */ place) => Math.max(14, 7 * turns[place][2].length + 4);
  const apart = (/** @type {number} */ one, /** @type {number} */ other) => Math.abs(middle(one) - middle(other)) >= Math.max(needs(one), needs(other));
  let last = -1;
  return places.filter((place) => {
    const free = (last < 0 || apart(place, last)) && (!turns[chosen] || apart(place, chosen));
    if (place !== chosen && !free) return false;
    last = place;
    return true;
  });
}

/**
 * Marks nearer than `gap` pixels become one with a count; none is dropped.
 * @param {[number, string, number][]} marks @param {Axis} axis @param {number} [gap]
 * @returns {{ x: number, kind: string, place: number, count: number }[]}
 */
export function mergedMarks(marks, axis, gap = 14) {
  const merged = /** @type {{ x: number, kind: string, place: number, count: number }[]} */ ([]);
  for (const [ms, kind, place] of marks) {
    const x = toX(axis, ms);
    const last = merged.at(-1);
    if (last && x - last.x < gap) {
      last.count += 1;
      if (kind === "failed") last.kind = kind;
    } else merged.push({ x, kind, place, count: 1 });
  }
  return merged;
}

/** The turn at a moment: the last that had begun. @param {[number, number, string][]} turns @param {number} ms */
export function turnAt(turns, ms) {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (turns[middle][0] <= ms) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Pixels of the axis for each label, of one letter, and between two labels. */
const [ROOM, LETTER, GAP] = [56, 6.2, 8];

/** How many ticks an axis has room for. @param {Axis} axis @param {number} most */
export const roomFor = (axis, most) => Math.max(2, Math.min(most, Math.floor(axis.width / ROOM)));

/**
 * Labels at their places: the first one begins there, the others stand in its middle; none that would touch the one before.
 * @param {Axis} axis @param {number[]} places @returns {{ x: number, label: string, first: boolean }[]}
 */
export function placedLabels(axis, places) {
  let free = -Infinity;
  return axisLabels(places).flatMap((label, index) => {
    const x = toX(axis, places[index]);
    const left = index ? x - (label.length * LETTER) / 2 : x;
    if (left < free) return [];
    free = left + label.length * LETTER + GAP;
    return [{ x, label, first: index === 0 }];
  });
}

/**
 * Axis labels: the unit with the first only, whole seconds from one second up.
 * @param {number[]} places milliseconds, evenly spaced @returns {string[]}
 */
export function axisLabels(places) {
  const step = places.length > 1 ? places[1] - places[0] : 0;
  if (step >= 1000) return places.map((ms) => `${+(ms / 1000).toFixed(1)} s`);
  const digits = step >= 1 || !step ? 0 : Math.min(3, Math.ceil(-Math.log10(step)));
  return places.map((ms, index) => (index ? ms.toFixed(digits) : `${ms.toFixed(digits)} ms`));
}
