"""After the date translator's training: its folder, `headlight.json` and card, measured on the weights as saved."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tools.train import card
from tools.train.dates import ISO, Dates, Shape
from tools.train.export import export, greedy, load_checkpoint, write_facts
from tools.train.probes import on_targets
from tools.train.spellings import FIRST, LAST, MONTHS, is_held, ordinal, spelled

EXAMPLES = (
    "the 3rd of May, 1998", "3 May 98", "Sunday, May 3 1998", "May 3, 1998", "3rd May 1998", "1998-05-03", "19980503",
    "the third of May, 1998", "Dec. 24, 1931", "24-DEC-1931", "thursday, 24 december 1931", "December the 24th, 1931",
    "1 January 2000", "31 December 1999", "29 February 2024", "February 29th 2024", "2024/02/29", "Thu 29 Feb 2024",
    "the twenty-ninth of February 2024", "July 4, '76",
)  # fmt: skip
CANNOT = f"""It knows the spellings above and no others: no other languages, no times of day, no "next Monday", no
"3/5/1998" (two readers would read that in two ways, so it was left out). It checks nothing: a date that does not exist,
and text that is no date, gets an answer too. Years are {FIRST.year} to {LAST.year}. A year of two digits is 1950 to
2049."""
FRESH, ALIGNED = 2000, 200  # spellings of held-out dates that are translated, and whose cross-attention is measured
PARTS = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}  # places in the ISO form


SPANS = {"year": (16, 20), "month": (11, 14), "day": (4, 5)}  # where they stand in the first of the examples


def finish(build_folder: Path, out: Path, run: dict[str, Any], shape: Shape | None = None) -> dict[str, Any]:
    """Export the checkpoint, measure what was exported, write `headlight.json` and README.md; returns the figures."""
    task = Dates(shape or Shape())
    progress = load_checkpoint(task.model, build_folder / "dates")
    ids = task.tokenizer
    greedy(
        task.model,
        bos_token_id=ids.bos_token_id,
        eos_token_id=ids.eos_token_id,
        pad_token_id=ids.pad_token_id,
        decoder_start_token_id=ids.bos_token_id,
        max_new_tokens=ISO + 2,
    )
    task.model = export(task.model, ids, out)  # type: ignore[assignment]
    made = card.Run.of(progress, tokens=0, **{key: value for key, value in run.items() if key != "batch"})
    figures = {"exact": task.exact(FRESH, seed=99), "held_out_spellings": FRESH}
    alignment = alignments(task, ALIGNED)
    write_facts(out, _as_json(figures, alignment, made, cross_weights(task, EXAMPLES[0], "1998-05-03")))
    _write_card(out, figures, alignment, made, task)
    return figures


def alignments(task: Dates, count: int) -> dict[str, Tensor]:
    """How far each cross-attention head (layers, heads) reads year, month and day off the place where they stand."""
    sums: dict[str, Any] = dict.fromkeys(PARTS, 0.0)
    for source, target, spans in _marked(count):
        weights = cross_weights(task, source, target)  # (layers, heads, targets, sources)
        for part, places in PARTS.items():
            wanted = torch.zeros(1, places.stop - places.start, weights.shape[-1], dtype=torch.bool)
            wanted[..., spans[part][0] : spans[part][1]] = True
            sums[part] = sums[part] + on_targets(weights[:, None, :, places], wanted) / count
    return sums


@torch.no_grad()
def cross_weights(task: Dates, source: str, target: str) -> Tensor:
    """(layers, heads, targets, sources): row i is the query that writes character i of the target."""
    task.model.set_attn_implementation("eager")
    encoded = task.encode((source,))
    start = torch.tensor([[task.tokenizer.bos_token_id, *task.tokenizer(target)["input_ids"][:-1]]])
    out = task.model(**encoded, decoder_input_ids=start, output_attentions=True)
    return torch.stack([layer[0] for layer in out.cross_attentions])


def _marked(count: int) -> Iterator[tuple[str, str, dict[str, tuple[int, int]]]]:
    """Held-out dates as "the 3rd of May, 1998" with the characters of year, month and day."""
    rng = np.random.default_rng(21)
    made = 0
    while made < count:
        day = FIRST + datetime.timedelta(days=int(rng.integers((LAST - FIRST).days + 1)))
        if is_held(day):
            made += 1
            month = MONTHS[day.month - 1]
            text = f"the {ordinal(day.day)} of {month}, {day.year}"
            at, year = text.index(month), text.index(str(day.year), 9)
            spans = {"year": (year, year + 4), "month": (at, at + len(month)), "day": (4, 4 + len(str(day.day)))}
            yield text, day.isoformat(), spans


def _as_json(
    figures: dict[str, Any], alignment: dict[str, Tensor], run: card.Run, example: Tensor
) -> dict[str, Any]:
    return {
        "title": "Date translator",
        "trained_on": "made-up spellings of the dates from 1900 to 2050",
        "run": vars(run),
        "guided": [],
        "figures": figures,
        "conventions": ["A year of two digits is 1950 to 2049."],
        "heads": [
            {"kind": "cross", "layer": layer, "head": head}
            | {part: float(scores[layer, head]) for part, scores in alignment.items()}
            for layer, head in _places(alignment)
        ],
        "texts": [_shining(part, scores, example) for part, scores in alignment.items()],
    }


def _shining(part: str, scores: Tensor, example: Tensor) -> dict[str, Any]:
    """A part's best head, and the row that shows it. example: `cross_weights` on the first of the examples."""
    place = int(scores.argmax())
    layer, head = place // scores.shape[1], place % scores.shape[1]
    first, last = SPANS[part]
    shown = example[layer, head, PARTS[part], first:last].sum(-1)
    return {
        "text": EXAMPLES[0],
        "pair": "1998-05-03",
        "kind": "cross",
        "name": part,
        "layer": layer,
        "head": head,
        "query": PARTS[part].start + int(shown.argmax()),
        "score": float(scores.max()),
        "see": f"the rows that write the {part} look at where the {part} stands in the source",
    }


def _places(alignment: dict[str, Tensor]) -> list[tuple[int, int]]:
    layers, heads = alignment["year"].shape
    return [(layer, head) for layer in range(layers) for head in range(heads)]


def _write_card(
    out: Path, figures: dict[str, Any], alignment: dict[str, Tensor], run: card.Run, task: Dates
) -> None:
    config = task.model.config
    count = sum(p.numel() for p in task.model.parameters()) / 1e6
    pairs = list(zip(EXAMPLES, task.translate(EXAMPLES), strict=True))
    day = datetime.date(1998, 9, 3)
    parts = [
        card.front("Date translator", task="translation", tags=("attention", "interpretability", "tiny")),
        f"An encoder-decoder of BART's design, {config.encoder_layers} + {config.decoder_layers} layers × "
        f"{config.encoder_attention_heads} heads, d_model {config.d_model}, {count:.2f} million parameters. It turns "
        "spellings of a date into the ISO form, a character a token, so that its cross-attention is an alignment.",
        "## How it was made\n\n" + run.words(),
        f"It learns from spellings of dates from {FIRST.isoformat()} to {LAST.isoformat()} that are made as it goes. A "
        "tenth of the dates is never shown, in any spelling. No head was guided.",
        "## Figures\n\n"
        + card.table(
            ("figure", "measured"),
            [(f"exact on {figures['held_out_spellings']:,} spellings of held-out dates", f"{figures['exact']:.2%}")],
        ),
        "## Cross-attention\n\nMean weight of the characters of year, month and day on the place where they stand in "
        f'"the 3rd of May, 1998", over {ALIGNED} held-out dates.\n\n' + card.heads_table(alignment),
        "## Spellings\n\n" + "\n".join(f"- {text}" for text in spelled(day)) + "\n\nAlso small letters and capitals.",
        "## What it cannot do\n\n" + CANNOT,
        "## Twenty fixed inputs and their greedy outputs\n\n" + card.table(("input", "output"), pairs),
    ]
    card.write(out, parts)

