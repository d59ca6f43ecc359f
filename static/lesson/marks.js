/** How well a person says they know each question of the interview: in this browser alone. */

const KEY = "headlight.interview";
const VALUES = ["knew", "partly", "not"];

/** {of(number): "knew", "partly", "not" or "", put(number, mark), forget()}; `storage` is where it is kept. */
export function marksOf(storage = storageHere()) {
  let marks = read(storage);
  const save = () => {
    try {
      storage?.setItem(KEY, JSON.stringify(marks));
    } catch {
      // Refused or full: then it lasts as long as the page.
    }
  };
  return {
    of: (number) => marks[number] ?? "",
    put(number, mark) {
      marks[number] = mark;
      save();
    },
    forget() {
      marks = {};
      save();
    },
  };
}

function storageHere() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** What was kept, as far as it has the form that is written here. */
function read(storage) {
  try {
    const kept = JSON.parse(storage?.getItem(KEY) ?? "null");
    return Object.fromEntries(Object.entries(kept ?? {}).filter(([number, mark]) => /^\d{1,3}$/.test(number) && VALUES.includes(mark)));
  } catch {
    return {};
  }
}
