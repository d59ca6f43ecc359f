"""`trace`: run a model on one text or many; tokens, checks and a head's rows as JSON, and files of what is shown."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention.cli import codes, common
from attention.cli.link import read
from attention.errors import HeadlightError, HeadlightWarning, InputError, ModelError
from attention.export.endings import ENDINGS, PICTURES, refuse_without_means
from attention.layer_settings import LocalSettings
from attention.view import View, clean

if TYPE_CHECKING:
    import numpy as np

    from attention.record import HeadView, Token, Trace

NAME, HELP = "trace", "run a model on a text; what a head does, and files of it"
ABOUT = """Run a model on a text, check every head against the model's own attention, and print as one line of JSON:
the model, its tokens, the checks, what the chosen head does, and the keys with the largest weights for each query
token. With --texts every line of a file is a text, and gets a line of JSON; one that cannot be traced gets an "error"
instead, and the others go on."""
EXAMPLES = """\
  python -m attention trace --model storyteller --text "The cat sat." --layer 1 --head 0
  python -m attention trace --model storyteller --text "The cat sat." --export cat.html --export cat.npz
  python -m attention trace --model storyteller --text "The unhappiest cat sat." --words
  python -m attention trace --model cloze --text "The ___ sat." --layer 2 --head 1 --export cat.csv --what scores
  python -m attention trace --model dates --text "May 3, 1998" --kind cross --export date.svg --width 89mm
  python -m attention trace --link "http://localhost:8501/?v=1&model=dates&text=May+3&kind=cross" --export date.svg
  python -m attention trace --model storyteller --text "The cat sat." --layer 1 --edits off-1.0,hide-k2
  python -m attention trace --model owner/name --texts lines.txt --export "out-{n:03}.json"
"""
NUMBER = re.compile(r"\{n(?::(0?\d{1,2}))?\}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    common.add_model(parser, required=False)
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", metavar="TEXT", help="the text")
    text.add_argument("--texts", metavar="FILE", help="a UTF-8 file with one text a line, or - for stdin")
    text.add_argument(
        "--link",
        metavar="URL",
        help="the address of a page: its model, texts and head, and in exports all else that it shows",
    )
    common.add_run(parser)
    parser.add_argument("--layer", type=common.count(0), metavar="N", help="layer, from 0 (default: 0)")
    parser.add_argument("--head", type=common.count(0), metavar="N", help="head, from 0 (default: 0)")
    parser.add_argument(
        "--top", type=common.count(0), default=3, metavar="N", help="keys a row, by falling weight (default: 3)"
    )
    parser.add_argument(
        "--export",
        action="append",
        default=[],
        metavar="FILE",
        type=_file,
        help=f"also write a file, of the kind that its name ends in: {common.one_of(ENDINGS)}; .html and .npz hold all "
        "heads, the others the chosen one; may be given several times; with --texts the name has {n} in it, or "
        "{n:03}, the number of the text from 1",
    )
    parser.add_argument(
        "--words", action="store_true", help="also the rows between words: averaged queries, summed keys"
    )
    parser.add_argument("--what", default="weights", metavar="TABLE", help="the numbers in a .csv (default: weights)")
    _add_picture(parser)
    common.add_how(parser)


def _add_picture(parser: argparse.ArgumentParser) -> None:
    """How the pictures among the exports are to be."""
    from attention.export.picture import PANELS, THEMES, WIDTHS

    parser.add_argument("--width", choices=tuple(WIDTHS), help="of a picture: one column of a paper, both, or a slide")
    parser.add_argument("--panel", choices=(*PANELS, "all"), help="of a picture: the panel, or all (default)")
    parser.add_argument("--theme", choices=THEMES, help="of a picture: its colours (default: light)")


def run(given: argparse.Namespace) -> int:
    """Trace each text; see `codes` for what comes back."""
    view = _view(given)
    texts = [view.text] if given.texts is None else common.texts_of(given.texts)
    _refuse_names(given, len(texts))
    ends = []
    with common.working(given) as report:
        for number, text in enumerate(texts, start=1):
            place = "" if given.texts is None else f"text {number}: "
            of_all = f" ({number} of {len(texts)})" if len(texts) > 1 else ""
            ends.append(_one(given, replace(view, text=text), number, place, _with(report, of_all)))
    return max(ends, key=(codes.GOOD, codes.REFUSED, codes.NOT_TRUSTED).index)


def _one(given: argparse.Namespace, view: View, number: int, place: str, report: common.Report) -> int:
    from attention.api import save, trace

    counted = {"n": number} if given.texts is not None else {}
    try:
        # "" is a second text of its own (a decoder's start token alone), which a link cannot name.
        pair = given.pair if given.link is None else view.pair or None
        changed = {"edits": given.edits or view.edits, "patch_text": view.patch_text}
        how: dict[str, Any] = {"chat": view.chat, "settings": _settings(given, view), **changed}
        made = trace(view.model, view.text, pair, **how, on_progress=report)
        head = made.head(view.layer, view.head, view.kind or None)  # type: ignore[arg-type]
        report("Checking every head", None)
        answer = answer_of(made, head, given.top) | (_between_words(head, given.top) if given.words else {})
        with _told(place):
            files = [
                save(made, _numbered(name, number), view=view, what=given.what, **_picture(given, name))
                for name in given.export
            ]
    except ModelError:
        raise  # no other text would fare better
    except HeadlightError as err:
        if given.texts is None:
            raise
        common.say({**counted, "text": view.text, "error": str(err)})
        print(f"headlight: {place}{err}", file=sys.stderr)
        return codes.REFUSED
    common.say({**counted, "text": view.text, **answer, "files": files})
    common.warn_of(answer["checks"], place)
    return codes.GOOD if answer["checks"]["ok"] else codes.NOT_TRUSTED


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Our own warnings as sentences on stderr; others go on as they are."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", HeadlightWarning)
        yield
    for one in heard:
        if issubclass(one.category, HeadlightWarning):
            print(f"headlight: {place}{one.message}", file=sys.stderr)
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _with(report: common.Report, more: str) -> common.Report:
    return lambda words, share: report(words + more, share)


def answer_of(trace: Trace, head: HeadView, top: int) -> dict[str, Any]:
    """What is said of one text: model, tokens, checks, and one head with its rows."""
    from attention.analysis.summary import habit, in_words

    found = habit(head)
    measured = {} if found is None else asdict(found)
    return {
        "id": trace.id,
        "model": asdict(trace.model),
        "seconds": round(trace.seconds, 4),
        "notes": trace.notes,
        "edits": [str(edit) for edit in trace.edits],
        "tokens": _words(trace.tokens),
        "pair_tokens": _words(trace.pair_tokens),
        "kinds": trace.kinds,
        "checks": common.checks_of(trace),
        "head": {"kind": head.kind, "layer": head.layer, "head": head.head, "says": in_words(found)}
        | measured
        | {"error": head.error.relative},
        "rows": _rows(head.weights, _words(head.query_tokens), _words(head.key_tokens), top),
    }


def _between_words(head: HeadView, top: int) -> dict[str, Any]:
    """The head's rows once more, by words; each word with its tokens, the last left out."""
    from attention.api import words

    found = words(head)
    queries, keys = ([word.text for word in side] for side in (found.queries, found.keys))
    places = [{"text": word.text, "tokens": (word.start, word.stop)} for word in found.queries]
    return {"words": places, "word_rows": _rows(found.weights, queries, keys, top)}


def _rows(maps: np.ndarray, queries: list[str], keys: list[str], top: int) -> list[dict[str, Any]]:
    """Each query with its `top` keys by falling weight; keys without any weight are left out."""
    rows = []
    for query, (token, weights) in enumerate(zip(queries, maps, strict=True)):
        best = [int(key) for key in (-weights).argsort(kind="stable")[:top] if weights[key] > 0]
        found = [{"key": key, "token": keys[key], "weight": float(f"{weights[key]:.6g}")} for key in best]
        rows.append({"query": query, "token": token, "keys": found})
    return rows


def _words(tokens: tuple[Token, ...]) -> list[str]:
    return [str(token) for token in tokens]


def _view(given: argparse.Namespace) -> View:
    """What is asked for, by a link or by options."""
    options = ("model", "pair", "kind", "layer", "head", "chat", "local", "edits", "patch_text")
    named = {name: getattr(given, name) for name in options}
    named = {name: value for name, value in named.items() if value not in (None, False)}
    if given.link is None:
        if given.model is None:
            given.refuse("the following arguments are required: --model")
        named["settings"] = named.pop("local", LocalSettings())
        return View(text=clean(given.text or ""), **named)
    if named:
        given.refuse(f"--link says all that is shown; leave out --{', --'.join(named)}")
    view, notices = read(given.link)
    for notice in notices:
        print(f"headlight: {notice}", file=sys.stderr)
    return view


def _settings(given: argparse.Namespace, view: View) -> LocalSettings | None:
    """How the local layer is built: as was asked for, whichever the model, or as the link has it."""
    return given.local or (view.settings if view.settings != LocalSettings() else None)


def _file(name: str) -> str:
    if Path(name).suffix.lower() not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{name!r} must end in {common.one_of(ENDINGS)}")
    return name


def _numbered(name: str, number: int) -> Path:
    return Path(NUMBER.sub(lambda found: f"{number:{found[1] or ''}}", name))


def _picture(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """What is asked of this file, where it is a picture."""
    if Path(name).suffix.lower() not in PICTURES:
        return {}
    return {option: getattr(given, option) for option in ("width", "panel", "theme")}


def _refuse_names(given: argparse.Namespace, count: int) -> None:
    """Raise, before anything is run, where many texts would overwrite one file, or a folder or a package is missing."""
    for name in given.export:
        refuse_without_means(Path(name))
        folder = _numbered(name, 1).parent
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} to write {name} into; make it first.")
        if count > 1 and not NUMBER.search(name):
            raise InputError(f"{count} texts would all become {name}; put {{n}} into its name, as in out-{{n}}.html.")
