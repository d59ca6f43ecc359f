/* Unpacks the file's own modules and numbers, and runs them. Nothing is fetched. */
(async () => {
  const { nonce } = document.currentScript;
  const status = document.getElementById("status");
  const say = (words) => { status.textContent = words; };

  const binary = (text) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
  };
  /** Numbers of four bytes, whose first bytes stand together, and so on (`attention/export/interactive.py`). */
  const joined = (planes) => {
    const count = planes.length / 4;
    const bytes = new Uint8Array(planes.length);
    for (let i = 0, to = 0; i < count; i++) for (let plane = 0; plane < 4; plane++) bytes[to++] = planes[plane * count + i];
    return bytes;
  };
  const unpack = async (name) => {
    const element = document.getElementById(name);
    const packed = new Blob([binary(element.textContent)]);
    element.remove();
    return new Uint8Array(await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  };

  if (!("DecompressionStream" in globalThis)) {
    say("This browser cannot unpack the numbers in this file. Open it in a newer one: Chrome or Edge 80, Firefox 113, Safari 16.4, or later.");
    return;
  }
  try {
    // What can be read already is painted first; a frame out of sight is not painted at all.
    await new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); setTimeout(resolve, 200); });
    const [code, data] = await Promise.all(["code", "data"].map(unpack));
    const script = Object.assign(document.createElement("script"), { nonce, textContent: new TextDecoder().decode(code) });
    document.head.append(script);
    const { show } = await globalThis.headlight.load("export/page.js");
    await show(joined(data));
    status.remove();
    performance.mark("shown");
  } catch (error) {
    say(`This file could not be shown: ${error?.message ?? error}`);
    throw error;
  }
})();
