/** A file to the person's disk, and a picture to their clipboard. */

const SOON_MS = 10_000;

/** Download a blob under that name. */
export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SOON_MS);
}

/** Whether this browser lets a page copy pictures; it does on https and on this machine alone. */
export const canCopy = () => Boolean(globalThis.ClipboardItem && navigator.clipboard?.write);

/** Copy a PNG that is still being made: some browsers ask that copying begins with the click. */
export const copy = (coming) => navigator.clipboard.write([new ClipboardItem({ "image/png": coming })]);
