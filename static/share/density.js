/** How large a PNG is on paper: without it a typesetter takes 72 or 96 points for an inch, and the picture fills the page. */

const HEADER = 33;
const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let rest = i;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** The same PNG with its points a metre, in a pHYs chunk behind the header. */
export async function withDensity(png, perMetre) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  return new Blob([bytes.subarray(0, HEADER), chunk(Math.round(perMetre)), bytes.subarray(HEADER)], { type: "image/png" });
}

function chunk(perMetre) {
  const made = new DataView(new ArrayBuffer(21));
  made.setUint32(0, 9);
  [..."pHYs"].forEach((letter, i) => made.setUint8(4 + i, letter.charCodeAt(0)));
  made.setUint32(8, perMetre);
  made.setUint32(12, perMetre);
  made.setUint8(16, 1);
  made.setUint32(17, crc(new Uint8Array(made.buffer, 4, 13)));
  return made;
}

/** The check that PNG puts behind each chunk (CRC-32). */
const crc = (bytes) => ~bytes.reduce((rest, byte) => TABLE[(rest ^ byte) & 255] ^ (rest >>> 8), 0xffffffff) >>> 0;
