/** Text to the person's clipboard. */

/** Copy `text`; whether it worked. Where the clipboard is closed to us, a selected field that holds it is the second way. */
export async function copyText(text, field = null) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyFrom(field ?? aside(text), !field);
  }
}

function copyFrom(field, once) {
  field.select();
  const done = document.execCommand("copy");
  if (once) field.remove();
  return done;
}

/** A field that nobody sees. */
function aside(value) {
  const field = Object.assign(document.createElement("textarea"), { value });
  field.style.cssText = "position: fixed; opacity: 0;";
  document.body.append(field);
  return field;
}
