/**
 * The page's components inside a lesson: each in a shadow root of its own, bound to a figure's store, with the data that
 * came for that store. Nothing of what they would tell the server is told.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { storeOf }] = await Promise.all(["../headlight", "../store"].map((name) => import(`${name}.js${version}`)));

// What each component is given comes under this name on the store's bus; those that are not here need nothing.
const GIVEN = { figures: "panels", heads: "overview", dimensions: "rotary" };
// Whose panels a run has that was made in the browser.
const LOCAL = "local";

/**
 * {mount, draw, stop} for one store. load(name): a promise of a component's function. data(): what the lesson component was
 * given: {styles, panels}. isLocal: whether the run is made in the browser.
 */
export function hosting({ load, data, store: name, isLocal }) {
  const store = storeOf(name);
  const hosted = new Set();
  const stops = [];

  const panels = () => store.last("panels") ?? data().panels?.[name] ?? (isLocal ? data().panels?.[LOCAL] : null) ?? null;

  function givenTo(component) {
    if (component === "figures") return panels();
    return GIVEN[component] ? store.last(GIVEN[component]) ?? null : {};
  }

  /** Show one component in an element; the function that takes it down. */
  function mount(component, host) {
    const root = host.attachShadow({ mode: "open" });
    root.append(ui.make("style", {}, data().styles?.[component] ?? ""));
    const own = { component, root, host, show: null, stop: null, given: null };
    hosted.add(own);
    load(component).then((show) => {
      own.show = show;
      if (hosted.has(own)) draw(own);
    }).catch((error) => host.replaceWith(ui.make("p", { class: "problem", role: "alert" }, `This part could not be loaded: ${error.message}`)));
    return () => takeDown(own);
  }

  /** Draw it with what it is given now; what it needs may still be on its way. */
  function draw(own) {
    const given = own.show && givenTo(own.component);
    if (!given) return;
    own.given = given;
    own.stop = own.show({ data: given, store: name, parentElement: own.root, setTriggerValue() {}, setStateValue() {} });
  }

  function takeDown(own) {
    hosted.delete(own);
    own.stop?.();
    own.stop = null;
  }

  /** What arrived for a component that is here, unless it is what it has. */
  const arrived = (component) => () => {
    for (const own of hosted) if (own.component === component && own.given !== givenTo(component)) draw(own);
  };
  for (const [component, message] of Object.entries(GIVEN)) stops.push(store.listen(message, arrived(component)));

  return {
    mount, panels,
    draw: () => hosted.forEach(draw),
    arrive: () => arrived("figures")(),
    stop() {
      [...hosted].forEach(takeDown);
      stops.forEach((stop) => stop());
    },
  };
}
