/** One sentence that says what was done and what came of it, with a button that copies it, and the numbers as a file. */
const version = new URL(import.meta.url).search;
const [{ ui }, { copyText }, { csv }, { save }] = await Promise.all(
  ["../headlight", "../clipboard", "../share/csv", "../share/save"].map((name) => import(`${name}.js${version}`)));

/** {root, fill({sentence, name, rows})}. rows(): the table that is saved, or null for none; name: of the file. */
export function quoteOf() {
  const words = ui.make("q");
  const copy = ui.make("button", { type: "button", class: "plain" }, "Copy this sentence");
  const table = ui.make("button", { type: "button", class: "plain" }, "Numbers (CSV)");
  const said = ui.make("span", { class: "small", role: "status" });
  const root = ui.make("div", { class: "quote", hidden: true }, words, copy, table, said);
  const state = { rows: null, name: "" };
  copy.addEventListener("click", async () => {
    said.textContent = (await copyText(words.textContent)) ? "copied" : "This browser does not let the page copy.";
  });
  table.addEventListener("click", () => save(new Blob([csv(state.rows())], { type: "text/csv;charset=utf-8" }), `${state.name}.csv`));
  return {
    root,
    fill({ sentence, name, rows }) {
      if (words.textContent !== sentence) said.textContent = "";
      words.textContent = sentence;
      Object.assign(state, { rows, name });
      table.hidden = !rows;
      root.hidden = !sentence;
    },
  };
}
