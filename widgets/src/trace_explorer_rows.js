/** Rows that come in pieces: pure, so that node can test it. Which are on the screen, which are here, which have to be asked for. */

/** Pixels of a row. */
export const ROW = 26;
/** Rows that a table shows at most. */
export const SHOWN = 20;
/** Rows above and below the screen that are in the page. */
export const AROUND = 8;
/** Rows that are asked for on both sides of what is missing. */
export const AT_ONCE = 60;

/** No browser draws elements that are much higher; above it the scroll bar stands for more than it measures. */
export const HIGHEST = 10_000_000;

/** How high the list pretends to be. @param {number} count @param {number} rowHeight */
export const listHeight = (count, rowHeight) => Math.min(count * rowHeight, HIGHEST);

/**
 * The row at the top of the screen, with its fraction.
 * @param {{ top: number, height: number, rowHeight: number, count: number }} view `height`: what the screen shows
 */
export function topRow({ top, height, rowHeight, count }) {
  const room = listHeight(count, rowHeight) - height;
  const rows = count - height / rowHeight;
  return room <= 0 || rows <= 0 ? 0 : Math.min(1, top / room) * rows;
}

/**
 * Where to scroll so that a row is at the top.
 * @param {number} row @param {{ height: number, rowHeight: number, count: number }} view
 */
export function scrollTopOf(row, { height, rowHeight, count }) {
  const room = listHeight(count, rowHeight) - height;
  const rows = count - height / rowHeight;
  return room <= 0 || rows <= 0 ? 0 : Math.max(0, Math.min(1, row / rows)) * room;
}

/**
 * Where to scroll so that a row can be seen, no further than needed.
 * @param {number} place @param {{ top: number, height: number, rowHeight: number, count: number }} view
 */
export function scrollTopToSee(place, view) {
  const top = topRow(view);
  const rows = view.height / view.rowHeight;
  if (place < top) return scrollTopOf(place, view);
  return place + 1 > top + rows ? scrollTopOf(place + 1 - rows, view) : view.top;
}

/** Rows that are kept. */
const KEPT = 2_000;

/** @typedef {{ get: (place: number) => any, put: (from: number, rows: any[]) => void, missing: (first: number, last: number) => [number, number] | null, kept: () => Map<number, any> }} Rows */

/** The rows of one answer that are here. @param {Rows} [before] what is shown for rows that are not here yet @returns {Rows} */
export function rowStore(before) {
  const rows = new Map();
  const older = before?.kept() ?? new Map();
  return {
    get: (place) => rows.get(place) ?? older.get(place),
    kept: () => new Map([...older, ...rows].slice(-KEPT)),
    put(from, more) {
      if (rows.size + more.length > KEPT) rows.clear();
      more.forEach((row, index) => rows.set(from + index, row));
    },
    missing(first, last) {
      while (first < last && rows.has(first)) first++;
      while (last > first && rows.has(last - 1)) last--;
      return first < last ? [first, last] : null;
    },
  };
}

/**
 * Sends one thing at a time: while an answer is awaited only the newest wish is kept.
 * @template T @param {(wish: T) => void} send @returns {{ ask: (wish: T) => void, answered: () => void, busy: () => boolean }}
 */
export function turnstile(send) {
  let waiting = false;
  let next = /** @type {T | undefined} */ (undefined);
  return {
    ask(wish) {
      if (waiting) next = wish;
      else {
        waiting = true;
        send(wish);
      }
    },
    answered() {
      waiting = false;
      const wish = next;
      next = undefined;
      if (wish !== undefined) this.ask(wish);
    },
    busy: () => waiting,
  };
}

/** What is found of what there is; the header tells what there is. @param {number} found @param {number} total */
export const countWords = (found, total) => (found === total ? "" : `${found.toLocaleString("en")} of ${total.toLocaleString("en")}`);
