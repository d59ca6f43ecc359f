/**
 * What all of a page shares: the payload's parser, colours and small DOM helpers.
 * Text that a person typed reaches the page only through textContent and fillText.
 */

const ALIGN = 8;
const SWIPE_PX = 40;
const READERS = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int32: Int32Array };

/** Palettes by theme name, from the server's palette, and where the lessons are, "" where there are none; set by `start`. */
let palettes = {};
let learn = "";

/** Take over the palettes that came with the component and return this module's helpers. */
export function start(settings) {
  palettes = settings.palettes;
  learn = settings.lessons ?? "";
  return api;
}

/** The address of the page of lessons, "" where there is none to lead to, as in a file. */
const lessons = () => learn;

// The payload

/**
 * Parse bytes that `attention.browser.codec.pack` made: the tree, with typed arrays that know their `shape`. A tree that was parsed
 * already, as in an exported file, comes back as it is.
 */
function parse(bytes) {
  if (!(bytes instanceof Uint8Array)) return bytes;
  const own = bytes.slice();
  const length = new DataView(own.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(own.subarray(4, 4 + length)));
  const base = 4 + length + ((ALIGN - ((4 + length) % ALIGN)) % ALIGN);
  const arrays = header.arrays.map((entry) => read(own.buffer, base, entry));
  return restore(header.tree, arrays);
}

function read(buffer, base, { dtype, shape, start: from }) {
  const count = shape.reduce((a, b) => a * b, 1);
  const array = new READERS[dtype](buffer, base + from, count);
  array.shape = shape;
  return array;
}

function restore(node, arrays) {
  if (Array.isArray(node)) return node.map((item) => restore(item, arrays));
  if (node === null || typeof node !== "object") return node;
  if ("$array" in node) return arrays[node.$array];
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, restore(item, arrays)]));
}

/** Row `index` of a two-axis array, without copying. */
function row(array, index) {
  const width = array.shape[1];
  return array.subarray(index * width, (index + 1) * width);
}

// Colours

let known = "";

/** "dark" or "light", by the background that Streamlit gives this component; asked once for all that is drawn in one go. */
function themeOf(parent) {
  if (!known) {
    known = seenTheme(parent);
    setTimeout(() => (known = ""));
  }
  return known;
}

function seenTheme(parent) {
  const style = getComputedStyle(parent.host ?? parent);
  const colour = style.getPropertyValue("--st-background-color").trim();
  const [r, g, b] = channels(colour || "#ffffff");
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128 ? "dark" : "light";
}

/** Put the theme's colours on the page as `--hl-*`, and return its palette. */
function applyTheme(parent) {
  const name = themeOf(parent);
  const palette = palettes[name];
  const root = document.documentElement;
  if (root.dataset.headlight !== name) {
    root.dataset.headlight = name;
    for (const [key, value] of Object.entries(palette)) {
      if (typeof value === "string") root.style.setProperty(`--hl-${key}`, value);
    }
    root.style.setProperty("--hl-bar", css(mix(palette.weights, 0.68)));
    root.style.colorScheme = name;  // the browser's own boxes, lists and bars to scroll with
  }
  return palette;
}

/** Red, green and blue of "#rrggbb" or "rgb(r, g, b)". */
function channels(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return (colour.match(/[\d.]+/g) ?? [255, 255, 255]).slice(0, 3).map(Number);
}

/** [r, g, b] at `share` (0..1) of a colour scale [[position, colour], …] with even positions. */
function mix(scale, share) {
  const at = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * (scale.length - 1);
  const low = Math.floor(at);
  const from = channels(scale[low][1]);
  const to = channels(scale[Math.min(low + 1, scale.length - 1)][1]);
  return from.map((value, i) => Math.round(value + (to[i] - value) * (at - low)));
}

const css = (rgb) => `rgb(${rgb.join(",")})`;

// Below this contrast small letters do not read (WCAG 1.4.3); of black and white one always has more.
const READS = 4.5;

/** Ink that reads on that background: the theme's own, or its paper, whichever stands out more; else black or white. */
function inkOn(rgb, palette) {
  const most = (...inks) => inks.reduce((best, ink) => (contrast(rgb, channels(ink)) > contrast(rgb, channels(best)) ? ink : best));
  const own = most(palette.ink, palette.paper);
  return contrast(rgb, channels(own)) >= READS ? own : most("#000000", "#ffffff");
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

function luminance(rgb) {
  const linear = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

// The document

/** An element with properties, class, data and children; strings become text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key in element && key !== "role") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** One state object a mounted component, made at its first run. */
function once(states, parent, create) {
  if (!states.has(parent)) states.set(parent, create());
  return states.get(parent);
}

/** Whether the keyboard belongs to something that takes text or has arrow keys of its own. */
const typing = () => hasKeyboard("input, textarea, select, [contenteditable=true], [role=combobox], [role=slider], [role=listbox], [role=radiogroup]");

/** Whether it belongs to something that takes text, and takes it back. */
const writing = () => hasKeyboard("input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, [contenteditable=true]");

function hasKeyboard(selector) {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return Boolean(active?.closest?.(selector));
}

/** Whether a host's name means the computer that asks, so that a link with it is of no use to anybody else. */
function isHere(name) {
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || name === "0.0.0.0" || name.startsWith("127.");
}

/** A sideways stroke calls `swiped` with 1 or −1; the page keeps its own vertical scroll (touch-action: pan-y). */
function swipes(element, swiped) {
  let from = null;
  element.addEventListener("pointerdown", (event) => {
    from = event.pointerType === "mouse" ? null : [event.clientX, event.clientY];
  });
  element.addEventListener("pointercancel", () => { from = null; });
  element.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
    from = null;
    if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 2 * Math.abs(dy)) swiped(dx < 0 ? 1 : -1);
  });
}

/** A place in a list of `count`, or null for what is none. */
function inside(index, count) {
  return Number.isInteger(index) && index >= 0 && index < count ? index : null;
}

// Names

const lists = new WeakMap();

/** The names of one side's tokens, the same array each time. */
function namesOf(tokens) {
  if (!lists.has(tokens)) lists.set(tokens, tokens.map((token) => token.name));
  return lists.get(tokens);
}

/** Those names that stand more than once in a list. */
function repeated(names) {
  const seen = new Set();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
}

/** A token's name as nodes; one that stands more than once gets its place, lightly, so that it can be told apart. */
function named(names, index) {
  if (!repeatedIn.has(names)) repeatedIn.set(names, repeated(names));
  return repeatedIn.get(names).has(names[index]) ? [names[index], place(index)] : [names[index]];
}

/** What stands more than once, by list: the lines of one table ask for the same. */
const repeatedIn = new WeakMap();

/** The small number of a token's place, counted from 0 as layers and heads are; in the ink of what it stands in. */
function place(index) {
  const element = make("small", { class: "hl-place" }, `\u2009#${index}`);
  element.style.cssText = "font-size: .78em; font-weight: 400; color: inherit; unicode-bidi: isolate;";
  return element;
}

// Numbers

/** A number in `digits` significant places, with a true minus sign; of large ones all whole places. */
function number(value, digits = 4) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(digits - 2) : fixed(value, digits);
  return text.replace(/-/g, "−");
}

function fixed(value, digits) {
  const whole = Math.floor(Math.log10(Math.abs(value) || 1)) + 1;
  return value.toFixed(Math.max(0, digits - whole));
}

/** A number with its sign and so many decimals; what rounds to 0 has none. */
function signed(value, count = 2) {
  const text = value.toFixed(count);
  return Number(text) === 0 ? text.replace("-", "") : value > 0 ? `+${text}` : text.replace("-", "−");
}

/** A number with a fixed count of decimals and a true minus sign; tiny ones that would read 0 say so. */
function decimals(value, count) {
  const text = value.toFixed(count);
  if (value !== 0 && Number(text) === 0) return `${value < 0 ? ">−" : "<"}${(10 ** -count).toFixed(count)}`;
  return (value === 0 ? text.replace("-", "") : text).replace("-", "−");
}

const api = {
  lessons, parse, row, applyTheme, channels, mix, css, inkOn, make, once, typing, writing, isHere, swipes, inside, namesOf, named,
  number, decimals, signed,
};

export { api as ui };
