"""docs/coverage.md, from the results alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.coverage.build import DEVIATION
from benchmarks.coverage.examine import DRIFT, EVEN, N_PAIR, N, Row
from benchmarks.coverage.mutants import MUTANTS
from benchmarks.coverage.overrides import MADE, OVERRIDES
from benchmarks.coverage.sorts import asked, sort_of

MAPPINGS = {
    "seq2seq": "sequence to sequence", "causal": "causal", "masked": "masked", "encoding": "text encoding",
    "base": "base model",
}  # fmt: skip
_WAYS = {"double": "compared in double precision", "eager": "compared with its eager attention on both sides"}
_MUTANTS = {
    "scale": "a scale that is 1 % off", "mask": "no mask", "softcap": "no softcap", "sink": "no sink",
    "bias": "no position bias",
}  # fmt: skip


def rows_of(results: dict[str, Any]) -> list[Row]:
    """The rows as they are written in the results."""
    return [Row(**row) for row in results["rows"]]


def page(results: dict[str, Any]) -> str:
    """The whole document."""
    rows = rows_of(results)
    parts = [_start(results, rows), _summary(rows), _uncovered(rows), _method(results), _mutants(rows), _table(rows)]
    return "\n\n".join([*parts, _sizes()]) + "\n"


def _start(results: dict[str, Any], rows: list[Row]) -> str:
    machine, good, all_ = results["machine"], sum(_good(row) for row in rows), sum(asked(row) for row in rows)
    return f"""# Which models can be traced

Every text architecture in transformers {machine["transformers"]} ({len(rows)} model classes), built tiny with random
weights, traced, and compared head by head with its own attention. There is no code for any of them in `attention/`.

**{good} of the {all_} that have softmax attention are exact to 1e-5 relative: {100 * good / all_:.1f} %.**
This page is written by `python -m benchmarks.coverage` (or `make bench BENCH=coverage`), which took
{results["seconds"]:.0f} seconds with {results["jobs"]} processes on {machine["cores"]} cores (torch
{machine["torch"]}). The numbers are in [coverage.json](../benchmarks/results/coverage.json), and a sample of the list
runs in the tests."""


def _good(row: Row) -> bool:
    return asked(row) and row.outcome == "exact"


_LEGEND = """- **softmax**: every attention of the model is in the trace. **hybrid**: attention in some layers; the
  trace says which layers have none, and what they are called. **softmax, in part**: some attention has no map of all
  tokens (bands, blocks, a shortened text), and the trace says so; what it shows is exact.
- **exact**: weights and outputs of every head within the tolerance, our own checks pass, and what is not shown is said.
  **differs**: they do not, and our checks say so. **silent**: they do not, and our checks do not notice, or the model
  has attention that the trace leaves out without a word.
- **refused**: one sentence instead of a trace. State-space, recurrent and Fourier models have no softmax attention;
  attention in bands, to blocks or by hashing has no map of all tokens. These are not counted among those with softmax
  attention; every other refusal is, as a failure. They are told by the names of a model's parts and settings."""


def _summary(rows: list[Row]) -> str:
    counts = Counter((sort_of(row) or "not run", row.outcome) for row in rows)
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    worst = max(row.error or 0 for row in rows if row.outcome == "exact")
    return "\n".join(
        [
            "## In numbers", "",
            "| what it is | outcome | architectures |", "|---|---|---|",
            *(f"| {sort} | {outcome} | {count} |" for (sort, outcome), count in ordered), "",
            f"Crashes: {_count(rows, 'crash')}. Timeouts: {_count(rows, 'timeout')}. "
            f"Not built: {_count(rows, 'not built')}. Silent errors: {_count(rows, 'silent')}. "
            f"Worst error of those that are exact: {worst:.1e}.",
            "", _LEGEND,
        ]
    )  # fmt: skip


def _count(rows: list[Row], outcome: str) -> int:
    return sum(row.outcome == outcome for row in rows)


def _uncovered(rows: list[Row]) -> str:
    missing = [row for row in rows if asked(row) and row.outcome != "exact"]
    lines = [f"| `{row.name}` | {row.outcome} | {_cell(row.reason)} |" for row in missing]
    return "\n".join(["## What is missing", "", "| architecture | outcome | reason |", "|---|---|---|", *lines])


def _method(results: dict[str, Any]) -> str:
    return f"""## How it is measured

**The list** is read from transformers' auto-mappings: every class in the mappings for causal, masked,
sequence-to-sequence and text-encoding models, and of the base models in none of these, those whose forward takes
`input_ids` and nothing that is seen or heard, and whose configuration has no parts. That rule leaves out
{results["left_out"]} base models for pictures, sound, series, or several of these; where such a model has a text part,
transformers lists that by itself. Models for text and pictures or sound that stand in the text mappings are run on text
alone. Nothing is left out by hand.

**The models** are their default configuration with small sizes, one or two layers of every sort that the default has,
and matrices drawn from N(0, {DEVIATION}²), so that attention is far from uniform: the column *even* is the mean entropy
of the rows divided by the logarithm of how many keys each may see (1 is uniform). Where it is above {EVEN}, because
queries and keys are normed, the scales of the norms are raised, too; where an operation looks at single keys alone,
they are lowered. A norm without a scale bounds the scores, and such a model (NanoChat) stays above. The text has {N}
tokens, the decoder's {N_PAIR}. Each model runs in a process of its own with a time limit.

**The comparison** shares no code with the capture. The model runs with its eager attention, and two things are noted:
the maps that it hands out with `output_attentions=True`, where these are weights, and every softmax of the run with the
product of its result and the values. Weights and outputs of each head, cross-attention included, are held against both,
outputs also against what the traced run put out. SqueezeBERT hands out scores, BigBird nothing: there only the second
is left, and the remarks say so. Beside that, `HeadView.error` of every head and `Trace.fidelity` must hold.

Fused and eager attention round differently, and in a deep model with wide weights that grows. Where it passes the
tolerance both runs are made again in double precision, or, where the model's own code rounds to single in any case,
both with eager attention; the remarks say which. This happens only for differences below {DRIFT:g}."""


def _mutants(rows: list[Row]) -> str:
    lines = []
    for name in MUTANTS:
        with_it = [row for row in rows if name in row.mutants]
        seen = sum(row.mutants[name] for row in with_it)
        lines.append(f"| {_MUTANTS[name]} | {len(with_it)} | {seen} |")
    unknown = sum(row.unknown > 0 for row in rows)
    return "\n".join(
        [
            "## The comparison can fail", "",
            "In every architecture that has the thing, it is left out of the trace or made wrong, and both the",
            "comparison and our own check have to fail in every operation.", "",
            "| planted | architectures that have it | noticed |", "|---|---|---|", *lines, "",
            f"In {unknown} architectures queries and keys of some operation are not known; there the weights are the",
            "model's own, and there is no rule of ours to leave out.",
        ]
    )  # fmt: skip


def _table(rows: list[Row]) -> str:
    lines = [
        "## All architectures", "",
        "*capture*: how it is watched ([ADR 4](adr/0004-watch-what-the-registry-does-not-see.md)). *error*: the worst",
        "relative difference of a weight or output from the model's own.", "",
        "| architecture | mapping | what it is | capture | layers | error | even | outcome | remarks |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*lines, *(f"| {' | '.join(cells(row))} |" for row in rows)])


def cells(row: Row) -> list[str]:
    """One line of the table."""
    layers = ", ".join(f"{kind} {_ranges(numbers)}" for kind, numbers in row.layers.items())
    error = "" if row.error is None else f"{row.error:.0e}"
    even = "" if row.even is None else f"{row.even:.2f}"
    first = [f"`{row.name}`", MAPPINGS[row.mapping], sort_of(row), row.capture_mode, layers, error, even, row.outcome]
    return [*first, " ".join(_remarks(row))]


def _remarks(row: Row) -> Iterator[str]:
    if row.reason:
        yield _cell(row.reason)
    yield from map(_cell, row.notes)
    if row.unknown:
        yield f"Query and key are not known in {row.unknown} operations."
    if row.compared == ["its softmax"]:
        yield "Compared with its softmax alone."
    if row.way:
        yield f"{_WAYS[row.way].capitalize()}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _ranges(numbers: Iterable[int]) -> str:
    """0, 1, 2, 5 → "0–2, 5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _sizes() -> str:
    reasons = {
        **{name: reason for name, (_, reason) in OVERRIDES.items()},
        **{n: reason for n, (_, reason) in MADE.items()},
    }
    lines = [f"| `{name}` | {reason} |" for name, reason in sorted(reasons.items())]
    return "\n".join(
        [
            "## Sizes that were set by hand", "",
            "All other configurations are made small in one way for all, by the names of their sizes.", "",
            "| configuration | why |", "|---|---|", *lines,
        ]
    )  # fmt: skip
