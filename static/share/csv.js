/**
 * Tables as text that a spreadsheet opens safely: `attention/export/table.py` in the browser. Text that a spreadsheet
 * would take for a formula gets an apostrophe before it; numbers have 9 significant digits; what is masked is empty.
 */

// What begins a formula, full-width and small forms included, behind what a spreadsheet or its import may skip: white
// space, invisible characters, quotation marks. Tab, CR and LF alone can push what follows into a cell of its own.
const SKIPPED = "[ \\u00a0\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff\\x00-\\x1f\\x7f-\\x9f\"'`‘’‚‛“”„‟«»]*";
const FORMULA = new RegExp(`^(?:[\\t\\r\\n]|${SKIPPED}[=+\\-@＝＋－＠﹦﹢﹣﹫])`);
const QUOTED = /[",\r\n]/;
const DIGITS = 9;
const MARK = "\ufeff";

/** A file's text, with the mark by which spreadsheets know UTF-8. rows: lists of strings, numbers and nulls. */
export function csv(rows) {
  return `${MARK}${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** One cell: text or a number; null, NaN and infinities are empty. */
export function cell(value) {
  if (typeof value === "string") return quoted(FORMULA.test(value) ? `'${value}` : value);
  return typeof value === "number" && Number.isFinite(value) ? digits(value) : "";
}

const quoted = (text) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** As Python's format(value, ".9g"), but that an exact half in the tenth digit is rounded away from zero. */
function digits(value) {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, power] = value.toExponential(DIGITS - 1).split("e");
  const exponent = Number(power);
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < DIGITS) return short(value.toFixed(DIGITS - 1 - exponent));
  return `${short(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
