/**
 * Which heads matter for one prediction: a map of what changes when each head is switched off in turn, beside one of what
 * each head writes by itself. Estimates are hatched, and replaced as the runs come in; both maps choose a head.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
start(HEADLIGHT);
const [{ viewOf }, { build }, { fill, follow, heard }] = await Promise.all(["signed/view", "matters/build", "matters/draw"].map(shared));
const view = viewOf({ build, fill, follow, heard });

export default function (given) {
  return view(given);
}
