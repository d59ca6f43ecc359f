/** Numbers that a person types: 0.5, .5, 0,5, 1/2, 50 %, 1,024, 1e6, 4·10^6. */

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const GROUPS = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/;
const POWER = /^(.+?)[·*×x]10\^?([+-]?\d+)$/i;
const FRACTION = /^(.+)\/(.+)$/;
const RAISED = new Map([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((sign, digit) => [sign, String(digit)]).concat([["⁻", "-"]]));
const TINY = 1e-9;

/** All numbers that the text can mean, for 1,024 is two of them; none where it is no number. */
export function readings(text) {
  const clean = [...text.trim()].map((sign) => RAISED.get(sign) ?? sign).join("").replace(/[−–]/g, "-").replace(/[\s_'’]/g, "");
  if (clean.endsWith("%")) return numbers(clean.slice(0, -1)).flatMap((value) => [value / 100, value]);
  return numbers(clean);
}

function numbers(text) {
  const fraction = FRACTION.exec(text);
  if (fraction) {
    const [above, below] = fraction.slice(1).map(numbers);
    return above.flatMap((one) => below.filter(Boolean).map((other) => one / other));
  }
  const power = POWER.exec(text);
  if (power) return numbers(power[1]).map((value) => value * 10 ** Number(power[2]));
  const found = [];
  if (GROUPS.test(text)) found.push(text.replaceAll(",", ""));
  if (text.split(",").length === 2 && !text.includes(".")) found.push(text.replace(",", "."));
  if (PLAIN.test(text)) found.push(text);
  return found.filter((one) => PLAIN.test(one)).map(Number).filter(Number.isFinite);
}

/** Whether a number is the answer. tolerance: relative to the answer's size; of an answer 0 the difference itself. */
export function holds(value, answer, tolerance = 0.01) {
  const room = Math.max(tolerance * (Math.abs(answer) || 1), TINY * Math.max(1, Math.abs(answer)));
  return Math.abs(value - answer) <= room;
}
