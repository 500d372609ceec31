/** Where the rows and lanes of a session graph stand: pure, so that node can test it. Lanes come from Python; here only folds move rows. */

/** @typedef {[number, number, string, string, string, string]} Fold first row, last row, words, tools, time, tokens */
/** @typedef {{ type: "turn" | "fold" | "node", row: number, fold?: number, index?: number }} Line */

/**
 * The lines to show, top to bottom, and the line of each row (rows in a closed fold share its line, hidden rows have the line above).
 * @param {{ count: number, folds: Fold[], openFolds: Set<number>, opened: Map<number, number>, hidden: Set<number> }} graph `opened`: nodes shown below a row
 * @returns {{ lines: Line[], lineOf: Int32Array }}
 */
export function linesOf({ count, folds, openFolds, opened, hidden }) {
  const lines = /** @type {Line[]} */ ([]);
  const lineOf = new Int32Array(count);
  let next = 0;
  for (let row = 0; row < count; row++) {
    while (next < folds.length && folds[next][1] < row) next++;
    const inFold = next < folds.length && folds[next][0] <= row && !openFolds.has(next);
    if (inFold && folds[next][0] === row) lines.push({ type: "fold", row, fold: next });
    else if (!inFold && !hidden.has(row)) {
      lines.push({ type: "turn", row });
      for (let index = 0; index < (opened.get(row) ?? 0); index++) lines.push({ type: "node", row, index });
    }
    lineOf[row] = lines.length - 1;
    if (!inFold && !hidden.has(row)) lineOf[row] -= opened.get(row) ?? 0;
  }
  return { lines, lineOf };
}

/**
 * Edges by lane, each list in the order of rows, so that a window finds its own by bisection.
 * @param {number[]} lanes @param {number[]} parents @param {number} width @returns {[number, number][][]} per lane `[row, parent row]`
 */
export function edgesByLane(lanes, parents, width) {
  const edges = /** @type {[number, number][][]} */ (Array.from({ length: width }, () => []));
  for (let row = 0; row < lanes.length; row++) if (parents[row] > row) edges[lanes[row]].push([row, parents[row]]);
  return edges;
}

/**
 * The edges that cross rows `first` to `last`. Edges of one lane do not overlap, except where a branch returns below its next.
 * @param {[number, number][][]} edges @param {number} first @param {number} last @returns {[number, number][]}
 */
export function edgesWithin(edges, first, last) {
  const within = /** @type {[number, number][]} */ ([]);
  for (const lane of edges) {
    let low = 0;
    let high = lane.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lane[middle][1] < first) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < lane.length && lane[index][0] <= last; index++) within.push(lane[index]);
  }
  return within;
}

/**
 * The path of an edge: straight down its lane, then a bend into the parent's.
 * @param {number} x @param {number} y @param {number} toX @param {number} toY @param {number} rowHeight
 */
export function edgePath(x, y, toX, toY, rowHeight) {
  if (x === toX) return `M${x} ${y}V${toY}`;
  const bend = Math.max(y, toY - rowHeight);
  return `M${x} ${y}V${bend}C${x} ${bend + rowHeight * 0.7} ${toX} ${bend + rowHeight * 0.3} ${toX} ${toY}`;
}
