/** How well a person says they know each question of the interview: in this browser alone. */

const version = new URL(import.meta.url).search;
const { keptUnder } = await import(`./kept.js${version}`);

const KEY = "headlight.interview";
const VALUES = ["knew", "partly", "not"];

/** {of(number): "knew", "partly", "not" or "", put(number, mark), forget()}. */
export function marksOf() {
  const kept = keptUnder(KEY);
  let marks = sound(kept.read());
  return {
    of: (number) => marks[number] ?? "",
    put(number, mark) {
      marks[number] = mark;
      kept.write(marks);
    },
    forget() {
      marks = {};
      kept.write(marks);
    },
  };
}

/** What was kept, as far as it has the form that is written here. */
function sound(found) {
  return Object.fromEntries(Object.entries(found ?? {}).filter(([number, mark]) => /^\d{1,3}$/.test(number) && VALUES.includes(mark)));
}
