/** What patching one head from a second text does: the texts aligned, and a map of all heads for each direction. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
start(HEADLIGHT);
const [{ viewOf }, { build, fill, follow, heard }] = await Promise.all(["signed/view", "patch/maps"].map(shared));
const view = viewOf({ build, fill, follow, heard });

export default function (given) {
  return view(given);
}
