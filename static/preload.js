/** Fetch what a first page will need, once its own code has run (`attention/ui/preload.py` says what, and why not sooner). */
const { named } = document.currentScript.dataset;
addEventListener("load", () => {
  for (const href of JSON.parse(named)) {
    // Streamlit's loader looks for such links before it makes its own.
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", crossOrigin: "", href }));
  }
});
