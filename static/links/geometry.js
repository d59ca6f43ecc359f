/** Where tokens and lines lie, in pixels. */
const version = new URL(import.meta.url).search;
const { widthOf } = await import(`../axes.js${version}`);

export const ROW = 26;
// How far an arc stands out, as a part of its length.
export const BULGE = 0.55;
// Lines of the table; what is left of a row makes one more.
export const LISTED = 24;
const TALLEST = 520;
const WIDEST = { line: 420, token: 190 };
// From here on the table stands beside the picture.
const BESIDE = 680;
const HEADINGS = 21;
const TABLE = { caption: 23, line: 24 };

/** The width that a column's names ask for, with the small numbers of their places. */
export const widest = (names) => 58 + Math.max(...names.map((name) => widthOf(name, false, 16)));

/**
 * Divide the room between tokens, lines and the table, and the height by the tokens: {wide, width, height, asking,
 * looked, lines: widths of the three, before: what lies left of arcs, list: the table's height, left, from, to, reach}.
 * Lines go `from` … `to`, arcs `from` to the right and, on both sides, `left` to the left, at most `reach` far.
 */
export function sizes({ room, arcs, both, columns: { query, key }, heads, hasSink }) {
  const wide = room >= BESIDE;
  const table = wide ? Math.min(room / 2, 250 + (heads > 1 ? 58 * heads : 60)) + 36 : 0;
  const most = wide ? WIDEST.token : Math.floor(room * 0.32);
  const [asking, looked] = [query, key].map((own) => Math.min(most, Math.ceil(own.wants)));
  const taken = arcs ? asking : asking + looked;
  const longest = Math.max(query.tokens.length, key.tokens.length);
  const height = Math.min(TALLEST, longest * ROW);
  const reaching = arcs ? (both ? 2 : 1) * Math.min(WIDEST.line, 60 + BULGE * height) : WIDEST.line;
  const lines = Math.max(60, Math.min(room - table - taken, reaching));
  const width = taken + lines;
  const before = both ? lines / 2 : 0;
  const list = longest * ROW > TALLEST ? HEADINGS + height : TABLE.caption + TABLE.line * (1 + longest + (hasSink ? 1 : 0));
  return {
    wide, width, height, asking, looked, lines, before, list,
    left: before, from: before + asking, to: width - looked, reach: (both ? lines / 2 : lines) - 6,
  };
}

/** Where lines begin and end now: the edges, and `yOf(side, place)` of a token's middle, by how far its column scrolled. */
export function wayOf({ size, arcs, columns }) {
  const scroll = { query: columns.query.scroll, key: arcs ? columns.query.scroll : columns.key.scroll };
  return { ...size, arcs, scroll, yOf: (side, place) => place * ROW + ROW / 2 - scroll[side] };
}

/** The first and the last key whose middle is in sight. */
export function keysInSight({ scroll, height }) {
  return [Math.ceil((scroll.key - ROW / 2) / ROW), Math.floor((scroll.key + height - ROW / 2) / ROW)];
}

export const scrolls = ({ columns, size }) => Object.values(columns).some((own) => own.tokens.length * ROW > size.height);
