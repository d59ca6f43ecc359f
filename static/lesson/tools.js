/** What one can do with a figure: save it as a picture, copy the link to its step, open its state on the inspect page. */

const version = new URL(import.meta.url).search;
const [{ ui }, { copyText }, { save }, { storeOf }] = await Promise.all(["../headlight", "../clipboard", "../share/save", "../store"].map((name) => import(`${name}.js${version}`)));

const UNSAFE = /[^\p{L}\p{N}._-]+/gu;

/** The line below a figure. */
export function tools(app, figure, block, place) {
  const line = ui.make("div", { class: "tools", role: "group", "aria-label": "This figure" });
  const picture = (format) => button(format.toUpperCase(), `Save the figure as ${format === "svg" ? "an SVG, for slides and papers" : "a PNG"}`, () => figure.attempt(() => saved(app, figure, format)));
  const pictures = ui.make("span", { class: "pictures" }, ui.make("span", { class: "label" }, "Image"), picture("svg"), picture("png"));
  line.append(pictures, linkButton(app, place));
  if (block.inspect) line.append(inspector(app, figure, place));
  const follow = () => { pictures.hidden = !figure.hasPicture() || figure.root.classList.contains("is-covered"); };
  figure.listen(follow);
  new MutationObserver(follow).observe(figure.root, { attributes: true, attributeFilter: ["class"] });
  follow();
  return line;
}

/** The button that copies the link to a step. */
export function linkButton(app, place) {
  const made = button("Copy link", "Copy the link to this step, with your sentence in it", async () => {
    const done = await copyText(app.linkTo(place));
    made.textContent = done ? "Copied" : "Copy the address from the browser’s bar";
    setTimeout(() => { made.textContent = "Copy link"; }, 2000);
  });
  made.setAttribute("aria-live", "polite");
  return made;
}

function inspector(app, figure, place) {
  const made = ui.make("a", { target: "_blank", rel: "noopener", class: "inspect", title: "The same state on the inspect page, in another tab" },
    "Open in the inspector ", ui.make("span", { "aria-hidden": "true" }, "↗"));
  // The sentence, the pin and the head may have changed since.
  const lead = () => { made.href = `${app.base()}/?${app.inspected(place, storeOf(figure.store).unheard())}`; };
  for (const event of ["pointerdown", "focus", "click"]) made.addEventListener(event, lead);
  lead();
  return made;
}

async function saved(app, figure, format) {
  const [{ pictureOf }, { pngBlob, svgBlob }] = await Promise.all(["./picture", "../share/picture"].map((name) => import(`${name}.js${version}`)));
  const made = await pictureOf(app, figure);
  const name = `headlight-${figure.place.lesson}-${figure.place.step}`.replace(UNSAFE, "-");
  save(format === "svg" ? svgBlob(made) : await pngBlob(made), `${name}.${format}`);
  return "Saved.";
}

function button(words, title, act) {
  const made = ui.make("button", { type: "button", title }, words);
  made.addEventListener("click", act);
  return made;
}

/** Do it and say what it says, or why it could not be done. */
export async function attempt(say, act) {
  try {
    say((await act()) ?? "");
  } catch (error) {
    say(`The picture could not be made: ${error.message}`);
  }
}
