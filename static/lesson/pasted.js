/** Numbers that a person pasted, as NumPy, PyTorch or Python print them, and where they differ from others. */

const NUMBER = /[-+−]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf(?:inity)?|∞|nan)/iy;
const SPACE = /[\s,;]+/y;
const MOST = 10_000;
const HIDDEN = -1e8;

/**
 * {values, shape, digits}: of nested brackets, or of lines of numbers. digits: the decimals that were printed, which are the
 * most of all, as ends with zeros are cut; of numbers with a power of ten, the fewest. Throws RangeError with a sentence where
 * it is none of these.
 */
export function numbersOf(text) {
  if (text.length > 40 * MOST) throw new RangeError(`That is too long: at most ${MOST.toLocaleString("en")} numbers are read.`);
  if (/\.\.\.|…/.test(text)) throw new RangeError("Some numbers were left out in print (…). Print all of them, and paste again.");
  const [from, to] = [text.indexOf("["), text.lastIndexOf("]")];
  if (from < 0) return plainLines(text);
  if (to < from) throw new RangeError("A bracket “[” is not closed.");
  const digits = { most: 0, fewest: Infinity };
  const reader = { text: text.slice(from, to + 1), at: 0, count: 0, digits };
  const nested = list(reader);
  skip(reader);
  if (reader.at < reader.text.length) throw new RangeError("More than one array stands here. Paste one.");
  const shape = shapeOf(nested);
  return { values: flat(nested), shape, digits: printed(digits) };
}

/** Without leading axes of length 1, such as that of a batch; a matrix stays one. */
export function withoutBatch({ values, shape, digits }) {
  let own = shape;
  while (own.length > 2 && own[0] === 1) own = own.slice(1);
  return { values, shape: own, digits };
}

/** How far two numbers may lie apart where so many decimals were printed: half of the last one, and rounding before it. */
export const allowedAt = (digits) => Math.min(6e-3, Math.max(2e-5, 0.6 * 10 ** -digits));

/** The first place at which the numbers differ by more than is allowed, or −1. Very low scores are as −∞ to a softmax. */
export function firstApart(values, expected, allowed) {
  return expected.findIndex((value, i) => {
    if (value === -Infinity) return !(values[i] <= HIDDEN);
    if (Number.isNaN(value)) return !Number.isNaN(values[i]);
    return !(Math.abs(values[i] - value) <= allowed);
  });
}

const printed = ({ most, fewest }) => (fewest < Infinity ? fewest : most);

function plainLines(text) {
  const digits = { most: 0, fewest: Infinity };
  const blocks = text.trim().split(/\n\s*\n/).map((block) => block.split("\n").map((line) => {
    const reader = { text: line, at: 0, count: 0, digits };
    const made = [];
    for (skip(reader); reader.at < line.length; skip(reader)) made.push(one(reader));
    return made;
  }).filter((line) => line.length));
  if (!blocks.some((block) => block.length)) throw new RangeError("No number stands here.");
  const nested = blocks.length > 1 ? blocks : blocks[0].length > 1 ? blocks[0] : blocks[0][0];
  return { values: flat(nested), shape: shapeOf(nested), digits: printed(digits) };
}

/** What stands between brackets, the opening one next. */
function list(reader) {
  reader.at += 1;
  const made = [];
  for (;;) {
    skip(reader);
    const next = reader.text[reader.at];
    if (next === undefined) throw new RangeError("A bracket “[” is not closed.");
    if (next === "]") {
      reader.at += 1;
      return made;
    }
    made.push(next === "[" ? list(reader) : one(reader));
  }
}

function one(reader) {
  NUMBER.lastIndex = reader.at;
  const found = NUMBER.exec(reader.text)?.[0];
  if (!found) throw new RangeError(`“${reader.text.slice(reader.at, reader.at + 12)}” is no number.`);
  reader.at += found.length;
  reader.count += 1;
  if (reader.count > MOST) throw new RangeError(`At most ${MOST.toLocaleString("en")} numbers are read.`);
  const written = found.replace("−", "-").toLowerCase();
  if (/n/.test(written) || written.includes("∞")) return /nan/.test(written) ? NaN : written.startsWith("-") ? -Infinity : Infinity;
  const [mantissa, power] = written.split("e");
  const decimals = mantissa.split(".")[1]?.length ?? 0;
  if (power === undefined) reader.digits.most = Math.max(reader.digits.most, decimals);
  else reader.digits.fewest = Math.min(reader.digits.fewest, decimals - Number(power));
  return Number(written);
}

function skip(reader) {
  SPACE.lastIndex = reader.at;
  reader.at += SPACE.exec(reader.text)?.[0].length ?? 0;
}

/** The shape of nested lists; throws where they are of unequal length. */
function shapeOf(nested) {
  if (!Array.isArray(nested)) return [];
  if (!nested.length) throw new RangeError("A list is empty.");
  const inner = nested.map(shapeOf);
  if (inner.some((shape) => shape.join() !== inner[0].join())) throw new RangeError("The rows are of unequal length.");
  return [nested.length, ...inner[0]];
}

const flat = (nested) => (Array.isArray(nested) ? nested.flat(Infinity) : [nested]);
