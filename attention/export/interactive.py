"""One HTML file that shows every head of a run, interactive and offline: the page's own components, without its server.

q, k and v travel in it and no maps, as to the page (`browser.store`); the reader's browser makes the maps, and
compares what it made with the model's own output. Nothing is ever fetched: a Content-Security-Policy in the file
forbids it, and lets no script run but the file's own.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from attention import assets, delivery, sentences
from attention.browser import codec, overview, parts, rotary, store
from attention.browser.edits import of_run
from attention.browser.heads import size
from attention.errors import InputError
from attention.export.shown import cut, on_show, text_of
from attention.figures.palette import THEMES, Palette
from attention.view import NUMBERS, PICTURES, View, to_query
from attention.view.url import fits_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attention.analysis.dimensions import Turns
    from attention.record import HeadView, Kind, Token, Trace

    Found = Mapping[tuple[Kind, int], Turns | str] | str

MOST_BYTES = 100_000_000
# Up to so many bytes of numbers, all kinds of attention travel in one file; of more, the kind that the view shows.
SMALL = 8_000_000
# Up to so many cells of all heads' maps, each head is described and checked here, and counted for patterns.
DESCRIBED = 20_000_000
# Up to so many lengths ‖f(x)‖, all heads' travel.
MOST_LENGTHS = 50_000
COMPONENTS = ("run", "controls", "heads", "sentence", "figures", "arithmetic", "links", "dimensions")
OWN = ("page",)
DETAILS = ("links", "dimensions")
NOT_HERE = "it is not in this file, but the page has it"
HERE_ALONE = "it is in this file for layer {layer}, head {head} alone; the page has it for all"
NOT_TRIED = "how the model turns its dimensions was not tried out for this file"
COUNTED_HERE = "this file has counts of this text alone"
NPZ = "Save it as .npz instead, which holds all numbers and is read back."
# Bytes of a number, and how hard to pack: more takes long and saves next to nothing.
WIDE, LEVEL = 4, 6
# The letters that the first of the two typefaces lacks.
WIDER = range(0x100, 0x2C80)


def interactive(
    trace: Trace, view: View, *, most_bytes: int = MOST_BYTES, base_url: str = "", turns: Found | None = None
) -> bytes:
    """The file, as UTF-8: all heads of the view's kind, and of the others where they are few bytes.

    base_url: the address of a live Headlight, which the file then links to (http or https). turns: how the model turns
    pairs of dimensions, as `analysis.dimensions` found it, where it was tried. Raises InputError where a head has too
    many cells for a browser, the file would have more than `most_bytes`, the view names tokens that are not there, or
    the address is none; NoSuchHeadError.
    """
    head_view = on_show(trace, view)
    kinds = _kinds(trace, head_view.kind, most_bytes)
    nonce = hashlib.sha256(f"{trace.id} {view}".encode()).hexdigest()[:24]
    held = {kind: _held(trace, kind, head_view, view, turns or NOT_TRIED) for kind in kinds}
    details = view.details if view.details in DETAILS else DETAILS[0]
    facts = {"kind": head_view.kind, "kinds": list(held), "details": details}
    data = codec.pack({"facts": facts, "held": held})
    page = "".join(_document(head_view, view, nonce, _live(base_url, view), kinds, data)).encode()
    if len(page) > most_bytes:
        raise InputError(f"This file would have {len(page) / 1e6:,.0f} MB; {most_bytes / 1e6:,.0f} are allowed. {NPZ}")
    return page


def _kinds(trace: Trace, own: Kind, most_bytes: int) -> list[Kind]:
    """The kinds whose heads travel: all of them where they are small, else the view's; in the usual order."""
    weights = {kind: _bytes(trace, kind) for kind in trace.kinds}
    if (cells := _cells(trace, own)) > store.LONG:
        raise InputError(
            f"A head of this text has {cells:,} cells; up to {store.LONG:,}, about {int(store.LONG**0.5):,} tokens, "
            f"fit into a page of its own. {NPZ}"
        )
    if weights[own] > most_bytes:
        raise InputError(
            f"All heads of this text take {weights[own] / 1e6:,.0f} MB; {most_bytes / 1e6:,.0f} are allowed. {NPZ}"
        )
    if sum(weights.values()) <= min(SMALL, most_bytes) and all(_cells(trace, kind) <= store.LONG for kind in weights):
        return list(trace.kinds)
    return [own]


def _bytes(trace: Trace, kind: Kind) -> int:
    """The numbers of a kind's heads before they are packed; whole maps, twice, where q and k are not known."""
    records = list(trace.records(kind).values())
    lost = (record for record in records if record.query is None or record.key is None)
    return size(records) + sum(8 * record.n_heads * record.n_q * record.n_k for record in lost)


def _cells(trace: Trace, kind: Kind) -> int:
    """The cells of the largest map of one head."""
    return max(record.n_q * record.n_k for record in trace.records(kind).values())


def _live(base_url: str, view: View) -> str:
    """The address of this view in a live Headlight; "" where none was given, or the text is too long for one."""
    if not base_url:
        return ""
    found = urlsplit(base_url)
    if found.scheme not in ("http", "https") or not found.netloc:
        raise InputError(f"The address {base_url[:80]!r} must begin with http:// or https://.")
    if not fits_address(view):
        return ""
    return f"{base_url.partition('?')[0].partition('#')[0]}?{urlencode(to_query(view))}"


# What a kind of attention brings


def _held(trace: Trace, kind: Kind, shown: HeadView, view: View, turns: Found) -> dict[str, Any]:
    """What the components of one kind are given, as trees, and what is said of its heads."""
    own = kind == shown.kind
    head_view = shown if own else trace.head(min(trace.records(kind)), 0, kind)
    here = view if own else _elsewhere(view, head_view)
    pinned = parts.first_query(head_view) if here.query is None else here.query
    few = sum(record.n_heads * record.n_q * record.n_k for record in trace.records(kind).values()) <= DESCRIBED
    look = store.look(head_view, here, pinned, seen=0, limit=len(trace.tokens), undo=False)
    return {
        "run": codec.parse(store.run(head_view, here, much="all")), "look": codec.parse(look),
        "panels": codec.parse(parts.panels(head_view, replace(here, weights="weights", values="output")))
        | {"brought": _brought(trace, head_view, here)},
        "heads": _overviews(trace, kind, here, few), "said": _said(trace, kind, head_view, few),
        "dimensions": codec.parse(rotary.payload(head_view, turns)),
    }  # fmt: skip


def _elsewhere(view: View, head_view: HeadView) -> View:
    """The view of another kind of attention: its own head, and no token of this one."""
    here = replace(view, kind=head_view.kind, layer=head_view.layer, head=head_view.head, values="output")
    return replace(here, query=None, also=(), key=None, zoom=None, beside=())


def _heads(trace: Trace, kind: Kind) -> Iterator[HeadView]:
    for layer, record in trace.records(kind).items():
        yield from (trace.head(layer, head, kind) for head in range(record.n_heads))


def _brought(trace: Trace, head_view: HeadView, view: View) -> list[dict[str, Any]]:
    """Of each head what the browser cannot make: ‖f(x)‖ of its keys; and of the view's own head what the view shows."""
    records = trace.records(head_view.kind).values()
    all_lengths = sum(record.n_heads * record.n_k for record in records) <= MOST_LENGTHS
    own = (head_view.layer, head_view.head)
    asked = codec.parse(parts.panels(head_view, view))["brought"] or {}
    made = []
    for one in _heads(trace, head_view.kind):
        is_own = (one.layer, one.head) == own
        norms = parts.norms(one) if all_lengths else (asked.get("norms") if is_own else None)
        contribution = asked.get("contribution") if is_own else None
        made.append({
            "run": store.run_id(trace, head_view.kind), "layer": one.layer, "head": one.head,
            "norms": norms or {"lengths": None, "reason": _away(asked.get("norms"), own), "note": ""},
            "contribution": contribution or {"z": None, "reason": _away(asked.get("contribution"), own), "note": ""},
        })  # fmt: skip
    return made


def _away(brought: object, own: tuple[int, int]) -> str:
    return HERE_ALONE.format(layer=own[0], head=own[1]) if brought else NOT_HERE


def _overviews(trace: Trace, kind: Kind, view: View, few: bool) -> dict[str, Any]:
    """What the map of all heads is given, by measure; each says which measures are here."""
    wanted = (*PICTURES, *NUMBERS) if few else tuple(dict.fromkeys(("weights", view.measure)))
    views = {name: replace(view, measure=name, counted_on="text") for name in wanted}
    made = {
        name: codec.parse(overview.payload(trace, kind, one, refusal=COUNTED_HERE)) for name, one in views.items()
    }
    for tree in made.values():
        for one in tree["measures"]:
            one["why"] = one["why"] or ("" if one["value"] in made else NOT_HERE)
    return made


def _said(trace: Trace, kind: Kind, head_view: HeadView, few: bool) -> list[dict[str, Any]]:
    """[{layer, head, holds, check, habit}]: the check in words, and what the head does; of all heads where few."""
    from attention.analysis.summary import habit, in_words

    said = []
    for one in _heads(trace, kind) if few else [head_view]:
        holds, check = sentences.head_check(one.error)
        said.append(
            {"layer": one.layer, "head": one.head, "holds": holds, "check": check, "habit": in_words(habit(one))}
        )
    return said


# The document


def _document(
    head_view: HeadView, view: View, nonce: str, live: str, kinds: Sequence[Kind], data: bytes
) -> Iterator[str]:
    trace = head_view.trace
    text = text_of(trace, view)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"{cut(text, 60)} · {sentences.title(trace.model)} · Headlight"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="Headlight">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_styles(trace)}</style>\n</head>\n<body>\n"
    )
    yield _top(head_view, text, live, kinds)
    yield f'<script type="text/plain" id="code">{_code()}</script>\n'
    yield f'<script type="text/plain" id="data">{_packed(_planes(data))}</script>\n'
    yield f'<script nonce="{nonce}">\n{(assets.EXPORT / "start.js").read_text(encoding="utf-8")}</script>\n'
    yield "</body>\n</html>\n"


def _top(head_view: HeadView, text: str, live: str, kinds: Sequence[Kind]) -> str:
    """What can be read at once, before anything runs: the sentence, the model, and what was checked."""
    trace = head_view.trace
    checks = [("check", *sentences.head_check(head_view.error)), ("fidelity", *sentences.run_check(trace.fidelity))]
    facts = [*sentences.facts(trace), *([f"revision {trace.model.revision[:12]}"] if trace.model.revision else [])]
    notes = [*trace.notes, *filter(None, [of_run(head_view)]), *_left_out(trace, kinds)]
    link = "" if not live else (
        f'<a id="live" href="{html.escape(live)}" rel="noopener noreferrer">Open it in Headlight</a>'
    )
    fields = {
        "TEXT": html.escape(text), "FACTS": html.escape(" · ".join(facts)), "LINK": link,
        "CHECKS": "".join(f"<p id={name}>{marked(holds, sentence)}</p>" for name, holds, sentence in checks),
        "NOTES": "".join(f"<p>{html.escape(note)}</p>" for note in notes),
    }  # fmt: skip
    pieces = (assets.EXPORT / "page.html").read_text(encoding="utf-8").split("%%")
    return "".join(fields[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def marked(holds: bool | None, sentence: str) -> str:
    """A check with a sign and a class; colour is never the only difference."""
    kind, sign = {True: ("good", "✓"), False: ("bad", "⚠"), None: ("open", "–")}[holds]
    return f'<span class="{kind}">{sign} {html.escape(sentence)}</span>'


def _left_out(trace: Trace, kinds: Sequence[Kind]) -> list[str]:
    missing = [kind for kind in trace.kinds if kind not in kinds]
    if not missing:
        return []
    return [f"This file has the heads of the {kinds[0]}; those of {' and '.join(missing)} would make it too large."]


def _styles(trace: Trace) -> str:
    return _fonts(_wider(trace)) + _themes() + (assets.EXPORT / "page.css").read_text(encoding="utf-8")


def _wider(trace: Trace) -> bool:
    tokens: tuple[Token, ...] = trace.tokens + trace.pair_tokens
    return any(ord(letter) in WIDER for token in tokens for letter in token.text)


@cache
def _fonts(wider: bool) -> str:
    """Source Sans 3 (SIL Open Font License 1.1): its Latin letters, and where they are needed further ones."""
    made = "/* Source Sans 3, © Adobe, SIL Open Font License 1.1 */\n"
    for part in ("latin-ext", "latin")[not wider :]:
        data = base64.b64encode((assets.STATIC / "fonts" / f"source-sans-3-{part}-wght-normal.woff2").read_bytes())
        made += (
            '@font-face { font-family: "Source Sans 3"; font-weight: 200 900; '
            f"src: url(data:font/woff2;base64,{data.decode()}) format('woff2');{_range(part)} }}\n"
        )
    return made


def _range(part: str) -> str:
    return "" if part == "latin" else " unicode-range: U+0100-02FF, U+1D00-1EFF, U+20A0-20C0, U+2C60-2C7F;"


@cache
def _themes() -> str:
    light, dark = (_theme(palette) for palette in THEMES.values())
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ color-scheme: dark; {dark} }} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark} }}\n"
    )


def _theme(palette: Palette) -> str:
    """A theme's colours before any script runs, and that by which the components know the theme."""
    names = ("paper", "card", "chip", "line", "ink", "muted", "query", "key", "value", "good", "bad", "amber")
    colours = "".join(f"--hl-{name}: {getattr(palette, name)}; " for name in names)
    return f"{colours}--st-background-color: {palette.paper};"


@cache
def _code() -> str:
    """The modules, packed; the same in each file."""
    styles = {name: (assets.COMPONENTS / name / "style.css").read_text(encoding="utf-8") for name in COMPONENTS}
    own = f"const STYLES = {json.dumps(styles)};\n"
    return _packed(delivery.script(COMPONENTS, OWN, assets.settings("", THEMES), own).encode())


def _planes(data: bytes) -> bytes:
    """The first byte of each four, then the second and so on: the exponents of float32 numbers pack well together."""
    whole = data + bytes(-len(data) % WIDE)
    return b"".join(whole[place::WIDE] for place in range(WIDE))


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode()
