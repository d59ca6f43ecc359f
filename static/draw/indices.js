/** Single letters with an index, as d_k or W_Q, in pieces: what stands on the line, and what stands below it. */

const INDEX = /(?<![\p{L}\p{N}_])([A-Za-zα-ωΑ-Ω])_([A-Za-z0-9]{1,5})(?!(?![ᵀ²³])[\p{L}\p{N}_(])/gu;

/** [[words, index or ""], …] of a line that is no Markdown, as `attention/lessons/prose.py` reads one; ᵀ, ² and ³ may follow an index. */
export function pieces(line) {
  const made = [];
  let end = 0;
  for (const found of line.matchAll(INDEX)) {
    made.push([line.slice(end, found.index) + found[1], found[2]]);
    end = found.index + found[0].length;
  }
  return end < line.length ? [...made, [line.slice(end), ""]] : made;
}

/** The same as nodes for a page. */
export function indexed(line) {
  return pieces(line).flatMap(([words, index]) => (index ? [words, below(index)] : [words]));
}

function below(index) {
  const made = document.createElement("sub");
  made.textContent = index;
  return made;
}
