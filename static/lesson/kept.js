/** What a page keeps in this browser alone, as JSON under a key; where the browser keeps nothing, nothing is read or lost. */

/** {read(): what was kept, or null; write(value); remove()} of a key. */
export function keptUnder(key) {
  const storage = storageHere();
  return {
    read() {
      try {
        return JSON.parse(storage?.getItem(key) ?? "null");
      } catch {
        return null;
      }
    },
    write(value) {
      try {
        storage?.setItem(key, JSON.stringify(value));
      } catch {
        // Refused or full: then it lasts as long as the page.
      }
    },
    remove() {
      try {
        storage?.removeItem(key);
      } catch {
        // It was never kept.
      }
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
