/** The typeface that goes along with a picture: a picture sees no fonts of the page, and who opens the file may not have it. */

const FONTS = ["latin", "latin-ext"].map((name) => ({ name, url: new URL(`../fonts/source-sans-3-${name}-wght-normal.woff2`, import.meta.url).href }));
const BEYOND_LATIN = /[\u0100-\u02ff\u1d00-\u1eff\u20a0-\u20cf\u2c60-\u2c7f\ua722-\ua7ff]/u;
const fonts = new Map();

/** The rules of a style sheet that bring the typeface for these words along. */
export async function typefaceFor(words) {
  const wanted = FONTS.filter(({ name }) => name === "latin" || BEYOND_LATIN.test(words));
  const rules = await Promise.all(wanted.map(async ({ name, url }) => {
    if (!fonts.has(name)) fonts.set(name, dataOf(url));
    const range = name === "latin" ? "" : " unicode-range: U+0100-02FF, U+1D00-1EFF, U+20A0-20CF, U+2C60-2C7F, U+A722-A7FF;";
    return `@font-face { font-family: "Source Sans 3"; font-weight: 200 900; src: url(${await fonts.get(name)}) format("woff2");${range} }`;
  }));
  return rules.join("\n");
}

async function dataOf(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("The typeface could not be loaded from this app’s own files.");
  const letters = [...new Uint8Array(await answer.arrayBuffer())].map((byte) => String.fromCharCode(byte));
  return `data:font/woff2;base64,${btoa(letters.join(""))}`;
}
