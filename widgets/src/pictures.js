import { h, idChip } from "./kit.js";

/** Attachments as small pictures. Python has looked at the bytes and chosen what is small enough; this half shows nothing else. */

/** @typedef {{ id: string, source: string, words: string, note: string }} Picture */

const SMALL_PICTURE = /^data:image\/(png|jpeg|gif|webp|bmp);base64,[A-Za-z0-9+/]+=*$/;

/** Whether a source is the bytes of a picture, and no address and no SVG. @param {string} source */
export const isPicture = (source) => SMALL_PICTURE.test(source);

/** @param {Picture} one */
function smallPicture({ id, source, words, note }) {
  return h(
    "div",
    { class: "l-picture" },
    isPicture(source) ? h("img", { src: source, alt: `${id.slice(0, 8)} ${words}`, draggable: "false" }) : null,
    h("div", { class: "l-label" }, id ? idChip(id) : null, " ", words, " ", note ? h("code", { class: "l-mono" }, note) : null),
  );
}

/** @param {Picture[]} all side by side; nothing where there are none */
export function smallPictures(all) {
  return all.length ? h("div", { class: "l-pictures" }, ...all.map(smallPicture)) : null;
}
