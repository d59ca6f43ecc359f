/** The styles that the views of signed numbers share, given to the tree that they stand in. */
const RULES = `
.signed { overflow-x: auto; max-width: 100%; scrollbar-width: thin; padding: 3px; margin: -3px; }
.signed table { border-collapse: separate; border-spacing: 1px; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; max-width: 640px; table-layout: fixed; }
.signed th, .signed .corner { font-weight: 400; color: var(--hl-muted); padding: 0 2px; text-align: center; width: 24px; min-width: 24px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.signed :is(.corner, tbody th) { position: sticky; left: -3px; z-index: 1; width: 40px; min-width: 40px; background: var(--hl-paper); }
.signed tbody td { min-width: 24px; width: 24px; height: 28px; padding: 0; text-align: center; border-radius: 3px; cursor: pointer; box-sizing: border-box; }
.signed tbody td:focus { outline: none; }
.signed tbody td:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 1px; }
.signed:not(.written) tbody td span { font-size: 0; }
.signed:not(.written) tbody td span::after { content: attr(data-sign); font-size: 14px; }
.signed td.none { background: repeating-linear-gradient(135deg, var(--hl-line) 0 1px, transparent 1px 5px); }
.signed td.estimated { background-image: repeating-linear-gradient(45deg, color-mix(in srgb, currentColor 34%, transparent) 0 1px, transparent 1px 6px); font-style: italic; }
.signed td.beyond { box-shadow: inset 0 0 0 2px currentColor; }
.signed td.pointed { outline: 2px solid var(--hl-muted); outline-offset: 0; }
.signed td.here { outline: 2.5px solid var(--hl-ink); outline-offset: 0; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; color: var(--hl-muted); font-size: 13px; margin-top: 3px; }
.legend .ramp { width: 84px; height: 10px; border-radius: 2px; }
.legend .hatch { width: 20px; height: 12px; border: 1px solid var(--hl-line); border-radius: 2px; background: repeating-linear-gradient(45deg, var(--hl-muted) 0 1px, transparent 1px 6px); }
.aim { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; }
.aim label, .ways label { display: inline-flex; align-items: center; gap: 6px; min-height: 28px; }
.aim select, .ways select, .chosen-key select { font: inherit; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line); border-radius: 6px; min-height: 28px; padding: 2px 6px; max-width: 220px; }
.plain { font: inherit; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line); border-radius: 7px; min-height: 28px; padding: 1px 10px; cursor: pointer; }
.plain:hover:enabled { border-color: var(--hl-muted); }
.plain:disabled { color: var(--hl-muted); cursor: default; }
.link { font: inherit; color: var(--hl-query); background: none; border: 0; padding: 1px 0; min-height: 24px; min-width: 24px; cursor: pointer; text-align: start; text-decoration: underline; text-underline-offset: 3px; }
:is(.plain, .link, .aim select, .ways select, .ways input, .chosen-key select, summary):focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
.quote { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; margin: 8px 0 0; }
.quote q { flex: 1 1 300px; min-width: 0; color: var(--hl-muted); font-size: 14px; overflow-wrap: anywhere; quotes: none; }
.tell { min-height: 21px; margin: 4px 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bad { color: var(--hl-bad); font-weight: 600; }
.lines { max-width: 640px; list-style: none; margin: 2px 0 0; padding: 0; font-variant-numeric: tabular-nums; }
.lines li { display: grid; grid-template-columns: var(--before, 36px) minmax(70px, 2fr) minmax(60px, 3fr) 56px; gap: 8px; align-items: center; min-height: 26px; position: relative; }
.lines .before { color: var(--hl-muted); font-size: 13px; text-align: end; min-width: 20px; }
.lines .named { min-width: 0; overflow-wrap: anywhere; }
.lines .number { text-align: end; }
.track { position: relative; height: 12px; background: linear-gradient(90deg, transparent calc(50% - .5px), var(--hl-line) 0 calc(50% + .5px), transparent 0); }
.track i { position: absolute; top: 1px; bottom: 1px; border-radius: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.waits { opacity: .5; }
.small, .notes { color: var(--hl-muted); font-size: 13px; }
.notes p, .small p { margin: 0 0 2px; max-width: 100ch; }
.query { color: var(--hl-query); } .key { color: var(--hl-key); }
[hidden] { display: none !important; }
@media (max-width: 800px) { .tell { min-height: 63px; } }
@media (pointer: coarse) { .plain, .aim select, .ways select, .chosen-key select, .link { min-height: 40px; } .signed tbody td { height: 40px; min-width: 40px; width: 40px; } }
`;
let sheet = null;

/** Give the tree of this element the styles; once is enough. */
export function dress(parent) {
  const root = parent.getRootNode();
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(RULES);
  }
  if (root.adoptedStyleSheets && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
