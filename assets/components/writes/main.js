/** What one head writes at the pinned token: the tokens that it raises and lowers, and from which keys that came. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
start(HEADLIGHT);
const [{ viewOf }, { build, fill, follow }] = await Promise.all(["signed/view", "writes/lists"].map(shared));
const view = viewOf({ build, fill, follow });

export default function (given) {
  return view(given);
}
