/** A text cut into the tokens of the local layer, as `attention.tokens.words` cuts it, and how each is written and looked up. */

const CLUSTERS = new Intl.Segmenter("en", { granularity: "grapheme" });
// The pattern of `attention/tokens/encoding.py`, without its last choice, a cluster, for which there is no pattern here.
const WORD = new RegExp([
  String.raw`\r\n|[\n\r]`,
  String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]\p{M}*`,
  String.raw`\p{N}+(?:[.,]\p{N}+)*`,
  String.raw`[\p{L}_][[\p{L}\p{M}\p{N}_]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]]*`
  + String.raw`(?:['’\u200c\u200d][[\p{L}\p{M}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]]+)*`,
].join("|"), "vy");
const LINES = ["\n", "\r", "\r\n"];
// What Python's str.strip takes away, which is not what String.trim does.
// oxlint-disable-next-line no-control-regex
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

// What `attention/tokens/visible.py` makes visible, and what it leaves because it belongs to a picture (the first group).
const HIDDEN = /((?<=\p{ExtPict}[\p{EMod}\uFE0F]?)\u200D(?=\p{ExtPict})|(?<=[\p{ExtPict}0-9#*])[\uFE0E\uFE0F])|[\p{C}\p{Z}\p{DI}\u2800]/gv;
const LONE_MARK = /^(?=[\p{M}--\p{DI}])/v;
const SIGNS = { " ": "·", "\n": "⏎", "\t": "⇥", "\xa0": "⍽", "\x7f": "␡" };
const NAME_CHARS = 24;

/**
 * The tokens of a text: [{text, name: as axes write it, shown: with nothing hidden in it, mark: "", span: [start, stop] in
 * JavaScript's own counting of characters, as `slice` takes it}]. None where there is nothing but white space.
 */
export function tokensOf(text) {
  if (BLANK.test(text)) return [];
  const clusters = CLUSTERS.segment(text);
  const tokens = [];
  for (let start = 0, stop; start < text.length; start = stop) {
    WORD.lastIndex = start;
    const found = WORD.exec(text)?.[0];
    stop = found === undefined ? endOf(clusters.containing(start)) : start + found.length;
    const own = text.slice(start, stop);
    if (LINES.includes(own) || !BLANK.test(own)) tokens.push(tokenOf(own, [start, stop]));
  }
  return tokens;
}

/** What a word is looked up by: its letters, capital or small. One by one, for Python and browsers differ in whole words. */
export const folded = (word) => [...word].map((letter) => letter.toUpperCase().toLowerCase()).join("");

/** The text with a sign for each character that hides, as Python's `visible`. */
export function visible(text) {
  return text.replace(LONE_MARK, "◌").replace(HIDDEN, (found, kept) => (kept === undefined ? signOf(found) : found));
}

const endOf = ({ index, segment }) => index + segment.length;

function tokenOf(text, span) {
  const shown = visible(text);
  return { text, name: cut(shown, NAME_CHARS), shown, mark: "", span };
}

function signOf(character) {
  const code = character.codePointAt(0);
  if (SIGNS[character]) return SIGNS[character];
  return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** At most so many characters as people count them, the last one "…" where something is left out. */
function cut(text, most) {
  if ([...text].length <= most) return text;
  const clusters = [...CLUSTERS.segment(text)];
  return clusters.length <= most ? text : `${clusters.slice(0, most - 1).map(({ segment }) => segment).join("")}…`;
}
