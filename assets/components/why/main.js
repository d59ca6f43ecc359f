/** Why a head looks there: one score by the parts of the stream behind its query and its key, as a map and a ranked list. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const { start } = await shared("headlight");
start(HEADLIGHT);
const [{ viewOf }, { build, fill, follow }] = await Promise.all(["signed/view", "why/score"].map(shared));
const view = viewOf({ build, fill, follow });

export default function (given) {
  return view(given);
}
