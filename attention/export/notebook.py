"""What a notebook shows of a trace or a head: the interactive page in a frame, and beneath it a picture that stays.

A frame's content is part of the notebook, so it needs no network and is there when the notebook is opened again. Where
scripts and frames are taken out (a notebook that is not trusted, a viewer that runs nothing), the still picture and a
small table are left; where the page runs, it says so and takes their place.
"""

from __future__ import annotations

import base64
import html
import uuid
from typing import TYPE_CHECKING

import numpy as np

from attention import sentences
from attention.browser import parts
from attention.errors import InputError
from attention.export.files import view_of
from attention.export.interactive import interactive
from attention.export.still import still
from attention.record import HeadView, Trace

if TYPE_CHECKING:
    from attention.view import View

# A page that is larger stays out of the notebook, which keeps each output it ever showed; and so does the picture of
# more cells, which takes some 1.4 bytes a cell.
MOST_BYTES, MOST_CELLS = 4_000_000, 2_500_000
TOP = 5
TALLEST, SHORTEST = 1700, 240
# The page tells its height as soon as it is drawn; whoever else may send messages is not heard.
LISTEN = """(() => {
  const box = document.getElementById("ID");
  const frame = box && box.querySelector("iframe");
  if (!frame) return;
  addEventListener("message", (event) => {
    const height = event.source === frame.contentWindow && event.data && event.data.headlight;
    if (!(height > 0)) return;
    box.firstElementChild.style.display = "none";
    frame.style.height = `${Math.min(MOST, Math.ceil(height))}px`;
  });
})();"""


def bundle(shown: Trace | HeadView) -> dict[str, str]:
    """{"text/html": …}: the page in a frame, and the picture and table that are left without it."""
    trace, head = (shown, None) if isinstance(shown, Trace) else (shown.trace, shown)
    view = view_of(trace, head)
    one = trace.head(view.layer, view.head, view.kind or None) if head is None else head  # type: ignore[arg-type]
    frame, why = _frame(trace, view)
    picture = _picture(one, view)
    name = f"headlight-{uuid.uuid4().hex[:12]}"
    script = LISTEN.replace("ID", name).replace("MOST", str(TALLEST))
    without = f"Only a {'still picture' if picture else 'table'}: {why}"
    run = f"{frame}<script>{script}</script>" if frame else f"<p>{html.escape(without)}</p>"
    return {"text/html": f'<div id="{name}"><div>{picture}{_table(one, view)}</div>{run}</div>'}


def _frame(trace: Trace, view: View) -> tuple[str, str]:
    """The page in a frame of its own that can reach nothing of the notebook; or "" and why there is none."""
    try:
        page = interactive(trace, view, most_bytes=MOST_BYTES).decode()
    except InputError as err:
        return "", str(err)
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" title="Headlight: all heads" '
        f'style="width: 100%; height: {SHORTEST}px; border: 0; display: block"></iframe>'
    ), ""


def _picture(head: HeadView, view: View) -> str:
    """The picture, or "" where it would be large."""
    if head.record.n_q * head.record.n_k > MOST_CELLS:
        return ""
    data = base64.b64encode(still(head, view).encode()).decode()
    name = f"{sentences.title(head.trace.model)}, layer {head.layer}, head {head.head}: scores, weights and values"
    return f'<img alt="{html.escape(name)}" style="max-width: 100%" src="data:image/svg+xml;base64,{data}">'


def _table(head: HeadView, view: View) -> str:
    """What the pinned token looks at most, as text."""
    pinned = parts.first_query(head) if view.query is None else view.query
    row = head.weights[pinned]
    keys = head.key_tokens
    lines = "".join(
        f"<tr><td>{html.escape(_name(keys[key]))}</td><td>{row[key]:.4f}</td></tr>"
        for key in np.argsort(-row, kind="stable")[:TOP]
    )
    asks = html.escape(_name(head.query_tokens[pinned]))
    return f"<table><caption>What “{asks}” takes most of</caption><tr><th>key</th><th>weight</th></tr>{lines}</table>"


def _name(token: object) -> str:
    from attention.tokens import visible

    return visible(str(token))
