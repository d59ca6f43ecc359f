"""`compare`: pairs of texts, or two models, from a file: which heads changed most, and how far the prediction moved."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention.cli import codes, common
from attention.cli.pairs import FORMATS, Pair, pairs_of
from attention.errors import HeadlightError, InputError, ModelError

if TYPE_CHECKING:
    from attention.analysis.changed import Changed
    from attention.record import Trace

NAME, HELP = "compare", "pairs of texts, or two models: which heads changed, and the prediction"
ABOUT = """For each pair of texts in a file: the heads whose weights changed most, and how far the prediction moved.
With --against the second text of each pair (or the only one) goes through a second model, such as a fine-tuned child of
the first; with --edits its run is changed, and patches take from the first text. One line of JSON a pair, and one
more that sums up; with --threshold the exit code says whether any pair changed by more."""
EXAMPLES = """\
  python -m attention compare pairs.jsonl --model storyteller
  python -m attention compare pairs.csv --model storyteller --metric kl --threshold 0.5 --json report.json
  python -m attention compare texts.jsonl --model owner/base --against owner/fine-tuned --threshold 0.1
  python -m attention compare texts.jsonl --model storyteller --edits off-2.5 --metric kl
"""
# What a threshold is of, and what each is in words.
METRICS = {
    "head": "the largest distance of any head",
    "mean": "the mean distance of all heads",
    "kl": "KL(a‖b) of the prediction, in nats",
}
ALIGNED = "tokens aligned by equal runs (difflib.SequenceMatcher), and one by one where as many stand in their place"
PREDICTED = "KL(a‖b) in nats of the predicted distribution after the last token, in the first blank, or over the labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("pairs", metavar="PAIRS", help="a UTF-8 file of pairs (.jsonl, .csv, .tsv), or - for stdin")
    common.add_model(parser)
    parser.add_argument("--against", metavar="MODEL", help="the model of the second side (default: the same)")
    common.add_edits(parser, "what is changed while the model runs on the second side")
    parser.add_argument("--format", choices=FORMATS, help="what the file holds (default: by its ending; jsonl for -)")
    parser.add_argument("--kind", choices=common.KINDS, help="which attention, where a model has several")
    parser.add_argument(
        "--metric", choices=tuple(METRICS), default="head",
        help="what --threshold is of: " + "; ".join(f"{name}, {words}" for name, words in METRICS.items()),
    )  # fmt: skip
    parser.add_argument("--threshold", type=_number, metavar="X", help="exit with 4 where a pair is beyond it")
    parser.add_argument("--top", type=common.count(0), default=5, metavar="N", help="heads to name (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write all of it to this file, too")
    common.add_how(parser)


def _number(raw: str) -> float:
    """An argparse type: a number from 0. Nothing is beyond NaN."""
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"{raw[:40]!r} must be a number from 0, such as 0.1")
    return number


# A model, a text, and what is changed in its run.
Side = tuple[str, str, dict[str, Any]]


@dataclass
class Sums:
    """What is known of all pairs so far. heads: sums over rows, for a ratio of sums. kl: the sum of `predicted` pairs.
    ends: the exit code that each pair asks for. beyond: how many are beyond the threshold. largest: of the metric.
    """

    heads: Sequence[Changed] = ()
    kl: float = 0.0
    predicted: int = 0
    ends: list[int] = field(default_factory=list)
    beyond: int = 0
    largest: float | None = None


def run(given: argparse.Namespace) -> int:
    """Compare each pair; see `codes` for what comes back."""
    pairs = pairs_of(given.pairs, given.format, is_single_allowed=bool(given.against or given.edits))
    _refuse_folder(given.json)
    sums, answers = Sums(), []
    with common.working(given) as report:
        for number, pair in enumerate(pairs, start=1):
            report("Comparing", (number - 1) / len(pairs))
            answer = _one(given, pair, number, sums)
            common.say(answer)
            answers.append(answer)
    summary = _summary(given, len(pairs), sums)
    common.say({"summary": summary})
    if given.json is not None:
        _write(given.json, {"format": "headlight-compare", "version": 1, "summary": summary, "pairs": answers})
    order = (codes.GOOD, codes.BEYOND, codes.REFUSED, codes.NOT_TRUSTED)
    return max(sums.ends, key=order.index)


def _one(given: argparse.Namespace, pair: Pair, number: int, sums: Sums) -> dict[str, Any]:
    """One pair's line; what came of it is added to the sums."""
    told: dict[str, Any] = {"n": number, "line": pair.line, "a": pair.a, "b": pair.b}
    try:
        return told | _compared(given, pair, sums)
    except ModelError:
        raise  # no other pair would fare better
    except HeadlightError as err:
        print(f"headlight: pair {number} (line {pair.line}): {err}", file=sys.stderr)
        sums.ends.append(codes.REFUSED)
        return told | {"error": str(err)}


def _compared(given: argparse.Namespace, pair: Pair, sums: Sums) -> dict[str, Any]:
    from attention.analysis.changed import together
    from attention.api import trace

    changes = {"edits": given.edits, "patch_text": pair.a} if given.edits else {}
    sides: tuple[Side, Side] = ((given.model, pair.a, {}), (given.against or given.model, pair.b, changes))
    first, second = (trace(model, text, **changed) for model, text, changed in sides)
    heads, tokens, no_heads = _heads(first, second, given.kind)
    prediction = _prediction(sides)
    value = _value(given.metric, heads, prediction)
    if value is None and given.threshold is not None:
        raise InputError(no_heads if given.metric != "kl" else prediction["reason"])
    trusted = all(common.checks_of(one)["ok"] for one in (first, second))
    beyond = None if given.threshold is None or value is None else value > given.threshold
    # Only what is trusted and judged counts.
    if heads:
        sums.heads = together([sums.heads, heads]) if sums.heads else heads
    if prediction["kl"] is not None:
        sums.kl, sums.predicted = sums.kl + prediction["kl"], sums.predicted + 1
    if value is not None:
        sums.largest = value if sums.largest is None else max(sums.largest, value)
    sums.beyond += bool(beyond)
    sums.ends.append(codes.NOT_TRUSTED if not trusted else codes.BEYOND if beyond else codes.GOOD)
    if not trusted:
        print(f"headlight: line {pair.line}: do not trust these numbers: a check failed.", file=sys.stderr)
    return {
        "tokens": tokens, "heads": _told(heads[: given.top]), "no_heads": no_heads, "prediction": prediction,
        "value": value, "beyond": beyond, "checks_ok": trusted,
    }  # fmt: skip


def _heads(first: Trace, second: Trace, kind: Any) -> tuple[Sequence[Changed], dict[str, int], str]:
    """(the heads by falling distance, how many tokens correspond, why there are no heads or "")."""
    from attention.analysis.changed import alignments, changed

    ours, theirs = kind or first.default_kind, kind or second.default_kind
    queries, _ = alignments(first, second, ours, theirs)
    tokens = {
        "a": len(first.query_tokens(ours)), "b": len(second.query_tokens(theirs)), "aligned": len(queries.pairs),
        "same": queries.n_same,
    }  # fmt: skip
    try:
        return changed(first, second, ours, theirs), tokens, ""
    except InputError as err:
        return (), tokens, str(err)


def _prediction(sides: Sequence[Side]) -> dict[str, Any]:
    """{kl, a, b, reason}: how far the prediction moved, and what is likeliest on either side; null where nothing is."""
    from attention.catalogue import LOCAL
    from attention.prediction import distribution
    from attention.source import load_source

    try:
        if any(model.strip() == LOCAL for model, *_ in sides):
            raise InputError("The local model predicts nothing.")
        a, b = (distribution(load_source(model, None, None), text, **changed) for model, text, changed in sides)
        kl = a.divergence(b)
    except ModelError:
        raise
    except InputError as err:
        return {"kl": None, "a": None, "b": None, "reason": str(err)}
    said = ({"likeliest": words, "probability": share} for words, share in (a.likeliest, b.likeliest))
    reason = "" if math.isfinite(kl) else "infinite: b gives no chance at all to what a expects"
    return {"kl": kl, **dict(zip("ab", said, strict=True)), "reason": reason}


def _value(metric: str, heads: Sequence[Changed], prediction: dict[str, Any]) -> float | None:
    if metric == "kl":
        found: float | None = prediction["kl"]
        return found
    if not heads:
        return None
    # Each head has as many rows as any other, so this is a ratio of sums too.
    return heads[0].distance if metric == "head" else sum(one.total for one in heads) / sum(one.rows for one in heads)


def _told(heads: Sequence[Changed]) -> list[dict[str, Any]]:
    return [{"layer": one.layer, "head": one.head, "distance": one.distance, "rows": one.rows} for one in heads]


def _summary(given: argparse.Namespace, count: int, sums: Sums) -> dict[str, Any]:
    """What holds for all pairs, and how it was made."""
    from attention.analysis.changed import METHOD

    return {
        "model": given.model, "against": given.against or given.model, "edits": list(map(str, given.edits or ())),
        "metric": given.metric, "threshold": given.threshold, "pairs": count,
        "failed": sums.ends.count(codes.REFUSED), "beyond": sums.beyond, "largest": sums.largest,
        "heads": _told(sums.heads[: given.top]),
        "kl": sums.kl / sums.predicted if sums.predicted else None,
        "method": f"heads: {METHOD}, over all pairs a sum over a sum of rows; {ALIGNED}; prediction: {PREDICTED}",
    }  # fmt: skip


def _refuse_folder(name: str | None) -> None:
    """Raise, before anything is run, where the file cannot be written."""
    if name is not None and not Path(name).parent.is_dir():
        raise InputError(f"There is no folder {Path(name).parent} to write {name} into; make it first.")


def _write(name: str, made: dict[str, Any]) -> None:
    try:
        Path(name).write_text(
            json.dumps(common.plain(made), ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8"
        )
    except OSError as err:
        raise InputError(f"{name} cannot be written: {err.strerror or err}.") from err
