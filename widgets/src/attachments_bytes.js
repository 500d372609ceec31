/** Bytes as people read them: pure, so that node can test it. */

/** Types that a page may show as a picture; an SVG in an `<img>` runs no script and loads nothing. */
const PICTURES = { png: "image/png", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", bmp: "image/bmp", svg: "image/svg+xml" };

/** @param {string} shown what the bytes are @returns {string} the MIME type for an `<img>`, or "" when it must not be one */
export const pictureType = (shown) => (Object.hasOwn(PICTURES, shown) ? PICTURES[/** @type {keyof typeof PICTURES} */ (shown)] : "");

/**
 * A hex dump, like `xxd`.
 * @param {Uint8Array} bytes @param {number} perRow @param {number} [limit]
 */
export function hexRows(bytes, perRow, limit = 512) {
  const rows = [];
  for (let offset = 0; offset < Math.min(bytes.length, limit); offset += perRow) {
    const part = [...bytes.subarray(offset, Math.min(offset + perRow, limit, bytes.length))];
    const text = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    rows.push({ offset: offset.toString(16).padStart(6, "0"), hex: part.map((byte) => byte.toString(16).padStart(2, "0")).join(" "), text });
  }
  return rows;
}

/** The name under which bytes are saved. @param {{ id: string, label: string, shown: string }} card */
export function fileName({ id, label, shown }) {
  const stem = label.replace(/[^\p{L}\p{N}._ -]+/gu, "_").replace(/^[. ]+|[. ]+$/g, "").slice(0, 60) || id.slice(0, 8);
  const ending = /^[a-z0-9]{2,5}$/.test(shown) && shown !== "hex" ? shown : "bin";
  return stem.toLowerCase().endsWith(`.${ending}`) ? stem : `${stem}.${ending}`;
}
