/** The style sheet of a figure's own root, where nothing that a figure calls by a name meets the lesson's own names. */

export const css = `
:host { display: block; color: var(--hl-ink); font: 400 16px/1.5 "Source Sans 3", sans-serif; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h3, h4, ol, ul, figure { margin: 0; }
p { max-width: 75ch; }
sub, sup { line-height: 0; font-size: .75em; }
a { color: var(--hl-query); text-underline-offset: 3px; }
button { font: inherit; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line); border-radius: 8px; padding: 4px 12px; min-height: 32px; cursor: pointer; }
button:hover:enabled { border-color: var(--hl-muted); }
:is(a, button, input, select, textarea, summary, [tabindex]):focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
.figure-root { min-height: 60px; }
.figure-root > * + *, .parts > * + * { margin-top: 12px; }
.problem { color: var(--hl-bad); font-weight: 600; }
.good { color: var(--hl-good); font-weight: 600; }
.bad { color: var(--hl-bad); font-weight: 700; }
.run-status, .run-check { color: var(--hl-muted); }
.run-status.problem { color: var(--hl-bad); }
.run-check { font-size: 15px; font-variant-numeric: tabular-nums; max-width: none; }
.parts.waiting { min-height: 240px; }

/* What is not to be seen before a guess keeps its room. */
.covered { position: relative; min-height: 56px; border-radius: 10px; outline: 1px dashed var(--hl-muted); outline-offset: -1px;
  background: repeating-linear-gradient(135deg, var(--hl-chip) 0 10px, var(--hl-paper) 10px 20px); }
.covered > * { visibility: hidden !important; opacity: 0 !important; pointer-events: none; }
.covered::after { content: "Covered until you have guessed"; position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; text-align: center;
  padding: 8px; font-size: 16px; font-weight: 600; }
.swap { position: relative; }
.swap > .plain-sentence { display: none; }
.swap.covered { outline: 0; background: none; }
.swap.covered::after { content: none; }
.swap.covered > .plain-sentence { display: block; position: absolute; inset: 0; visibility: visible !important; opacity: 1 !important; }
.plain-sentence .label { display: block; line-height: 19px; margin-bottom: 4px; color: var(--hl-muted); font-size: 14px; font-weight: 600; }
.chips { display: flex; flex-wrap: wrap; gap: 4px; font-size: 20px; line-height: 1.3; }
.chips + .chips { margin-top: 9px; }
.chip { border-radius: 6px; padding: 3px 8px 4px; min-height: 34px; background: var(--hl-chip); white-space: pre-wrap; overflow-wrap: anywhere; max-width: 100%; }
.chip.pinned { box-shadow: 0 0 0 2.5px var(--hl-ink); }
@media (pointer: coarse) { button { min-height: 44px; } .chip { min-height: 40px; min-width: 40px; } }
@media print { .inputs, button { display: none !important; } svg, table { break-inside: avoid; } }
`;

/** Beside it while one presents; drawings grow by themselves (`room.js`). */
export const large = ":host { font-size: 20px; }";
