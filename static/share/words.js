/** What a picture or a table says of itself: model, layer, head, what was changed; and the name of its file. */

const HIDDEN = { special: "special tokens", first: "the first token", sink: "the sink" };
const NAMES = { scores: "scores", weights: "weights", values: "output", dimensions: "q·k by dimension" };
const UNSAFE = /[^\p{L}\p{N}._-]+/gu;
const LONGEST = 60;

/** “storyteller · layer 2, head 3”, with the kind where a model has several. */
export function titleOf({ model, kind }, { head }) {
  return [shortOf(model), `layer ${head.layer}, head ${head.head}${kind ? ` (${kind})` : ""}`].join(" · ");
}

/** “storyteller · all heads: Weights”. */
export const titleOfAll = ({ model, kind }, what) => [shortOf(model), `all heads${kind ? ` (${kind})` : ""}: ${what}`].join(" · ");

/** A folder's last part: where it lies on somebody's disk is nobody else's business. */
const shortOf = (model) => (/^([./~\\]|[a-z]:)/i.test(model) ? model.split(/[\\/]/).filter(Boolean).at(-1) ?? model : model);

/** What is not as the model ran it, and which part is shown; "" where all is. */
export function changesOf({ look, head }) {
  const said = [];
  if (look.temperature !== 1 && head.altered) said.push(`temperature ${Number(look.temperature.toPrecision(3))}`);
  if (look.hide.length && head.altered) {
    const rest = look.rest === "shared" ? "the rest shares each row" : "the rest stays as it was";
    said.push(`left out: ${look.hide.map((name) => HIDDEN[name]).join(", ")}; ${rest}`);
  }
  if (look.zoom) said.push(`queries ${look.zoom[0]}–${look.zoom[1]} of ${head.queries}, keys ${look.zoom[2]}–${look.zoom[3]} of ${head.keys}`);
  return said.join(" · ");
}

/** A name that every system takes: letters, numbers, dots, hyphens. `what` are panels, or one. */
export function fileName({ model, kind }, { head }, what, ending) {
  const which = what === "heads" ? ["all heads"] : [`layer ${head.layer}`, `head ${head.head}`, NAMES[what] ?? what];
  const parts = [shortOf(model), kind, ...which].filter(Boolean);
  const name = parts.join("-").normalize("NFKC").replace(UNSAFE, "-").replace(/-{2,}/g, "-").replace(/^[-.]+|[-.]+$/g, "");
  return `headlight-${[...name].slice(-LONGEST).join("").replace(/^[-.]+/, "")}.${ending}`;
}
