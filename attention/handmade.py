"""Heads made by hand, and a person's own changes: the Build page's layers on torch, by which the page is checked.

A `Plan` is all that decides such a run. Its weights are those of the local layer, or of a head that is written down so
that it does one thing that has a name (`static/local/presets.js` makes the same ones in the browser); on both, single
weights and single scores can be set by hand. What runs is `MultiHeadSelfAttention`, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from attention import local
from attention.errors import InputError
from attention.layer_settings import LocalSettings
from attention.mhsa import MultiHeadSelfAttention
from attention.record import Token
from attention.stages import attend, exactly
from attention.tokens import words

Preset = Literal["", "previous", "same", "first", "uniform", "verb", "induction"]
Matrix = Literal["query", "key", "value", "output"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
MATRICES: tuple[Matrix, ...] = get_args(Matrix)
MOST_TOKENS, MOST_CHARACTERS, MOST_EDITS, LARGEST = 24, 1_000, 40, 2_000.0
MOST_LAYERS, MOST_HEADS, MOST_WIDTH = 2, 16, 256
# By how much the wanted score is above all others, and what each place away takes off where the nearest is wanted.
GAP, STEP = 10.0, 6.0
Entry = tuple[int, int, float]


@dataclass(frozen=True, kw_only=True)
class WeightEdit:
    """One weight set by hand. The matrix is applied from the right, x·W: rows are inputs, columns outputs."""

    layer: int
    matrix: Matrix
    row: int
    column: int
    value: float


@dataclass(frozen=True, kw_only=True)
class ScoreEdit:
    """One cell of Q·Kᵀ set by hand, before the scale: queries and keys no longer produce it."""

    layer: int
    head: int
    row: int
    column: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that decides what the Build page shows. Two equal plans are one run. Its first 24 tokens are used.

    preset: "" for the local layer's own weights. tags: places of the tokens that bear the tag. Raises InputError.
    """

    text: str
    settings: LocalSettings = field(default_factory=LocalSettings)
    preset: Preset = ""
    tags: tuple[int, ...] = ()
    edits: tuple[WeightEdit | ScoreEdit, ...] = ()

    @property
    def model(self) -> str:
        """What the queue calls it."""
        return "local"


@dataclass(frozen=True, kw_only=True, eq=False)
class Built:
    """What came out: heads (layers, h, n, d), each head's weighted values; output (layers, n, m), after W_O."""

    heads: Tensor
    output: Tensor


def read(told: object) -> Plan:
    """The plan that a browser tells, which may be anybody's. Raises InputError for what is none."""
    if not isinstance(told, Mapping):
        raise InputError("A layer is told as an object with its text and settings.")
    text = told.get("text")
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        raise InputError(f"The text must be a string of at most {MOST_CHARACTERS} characters.")
    preset = told.get("preset")
    if preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(map(repr, PRESETS))}.")
    edits = _listed(told, "edits", MOST_EDITS)
    tags = _listed(told, "tags", MOST_TOKENS)
    return Plan(
        text=text,
        settings=_settings(told.get("settings")),
        preset=preset,
        tags=tuple(_whole(tag, "a tag", MOST_TOKENS) for tag in tags),
        edits=tuple(map(_edit, edits)),
    )


@exactly
def run(plan: Plan) -> Built:
    """Run its layers, one after the other, each adding its output to what the next reads. Raises InputError."""
    tokens = words(plan.text)[:MOST_TOKENS]
    if not tokens:
        raise InputError("There is no word to look at yet: type a sentence.")
    x, layers = made(plan, tokens)
    heads, outputs = [], []
    with torch.no_grad():
        for number, layer in enumerate(layers):
            _set_weights(layer, number, plan.edits)
            own, output = _pass(layer, x, [one for one in _scores(plan.edits) if one.layer == number])
            heads.append(own)
            outputs.append(output)
            x = x + output
    return Built(heads=torch.stack(heads), output=torch.stack(outputs))


def made(plan: Plan, tokens: tuple[Token, ...]) -> tuple[Tensor, list[MultiHeadSelfAttention]]:
    """What enters the first layer, (n, m) in float64, and the layers in their order, without any edit."""
    if not plan.preset:
        layer = local.build(plan.settings)
        return local.embed(tokens, plan.settings).double(), [layer.double()]
    room = Room.of(tokens, has_before=plan.preset == "induction")
    x = room.vectors(plan.tags, has_positions=plan.settings.positions)
    return x, [_layer(room, matrices, plan.settings) for matrices in room.layers(plan.preset)]


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where each thing stands in a vector: the distinct words, the words before them, the places, and two marks.

    word_at: of each token, the number of its word.
    """

    word_at: tuple[int, ...]
    n_words: int
    has_before: bool

    @classmethod
    def of(cls, tokens: Iterable[Token], *, has_before: bool) -> Room:
        """The room that these tokens need."""
        number: dict[str, int] = {}
        found = tuple(number.setdefault(local.folded(token.text), len(number)) for token in tokens)
        return cls(word_at=found, n_words=len(number), has_before=has_before)

    @property
    def n(self) -> int:
        """How many tokens there are."""
        return len(self.word_at)

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return self.verb + 1

    @property
    def always(self) -> int:
        """Where the 1 of every token stands."""
        return self.place(self.n)

    @property
    def verb(self) -> int:
        """Where the tag stands."""
        return self.always + 1

    def after(self, word: int) -> int:
        """Where it stands that a word came before."""
        return self.n_words + word

    def place(self, number: int) -> int:
        """Where a place's own number stands."""
        return self.n_words * (2 if self.has_before else 1) + number

    def vectors(self, tags: tuple[int, ...], *, has_positions: bool) -> Tensor:
        """(n, m): a 1 for the word, for the place where there are any, for the tag, and always."""
        x = torch.zeros(self.n, self.width, dtype=torch.float64)
        for token, word in enumerate(self.word_at):
            x[token, word] = x[token, self.always] = 1
            if has_positions:
                x[token, self.place(token)] = 1
            if token in tags:
                x[token, self.verb] = 1
        return x

    def layers(self, preset: Preset) -> Iterator[dict[Matrix, list[Entry]]]:
        """The entries (row, column, value) of each layer's matrices; the queries' in units of finished scores."""
        copy = [(word, word, 1.0) for word in range(self.n_words)]
        places = [(self.place(i), self.place(i), 1.0) for i in range(self.n)]
        shift = [(self.place(i), self.place(i - 1), GAP) for i in range(1, self.n)]
        if preset == "induction":
            written = [(word, self.after(word), 1.0) for word in range(self.n_words)]
            yield {"query": shift, "key": places, "value": copy, "output": written}
            asks = [(word, self.after(word), GAP) for word in range(self.n_words)]
            offers = [(self.after(word), self.after(word), 1.0) for word in range(self.n_words)]
            yield {
                "query": [*asks, (self.always, self.place(0), -GAP)], "key": [*offers, places[0]],
                "value": copy, "output": copy,
            }  # fmt: skip
            return
        if preset == "same":
            query, key = [(word, word, GAP) for word in range(self.n_words)], copy
        elif preset == "verb":
            query, key = self._near(), [(self.verb, self.verb, 1.0), *places]
        else:
            query = {"previous": shift, "first": [(self.always, self.place(0), GAP)]}.get(preset, [])
            key = places
        yield {"query": query, "key": key, "value": copy, "output": copy}

    def _near(self) -> list[Entry]:
        pairs = ((i, j) for i in range(self.n) for j in range(self.n) if i != j)
        falling = [(self.place(i), self.place(j), -STEP * abs(i - j)) for i, j in pairs]
        return [(self.always, self.verb, STEP * self.n + GAP), *falling]


def _layer(room: Room, matrices: dict[Matrix, list[Entry]], settings: LocalSettings) -> MultiHeadSelfAttention:
    layer = MultiHeadSelfAttention(
        room.width, 1, bias=False, causal=settings.causal, scaled=settings.scaled, temperature=settings.temperature
    ).double()
    layer.requires_grad_(False)
    for name, entries in matrices.items():
        weight = _weight(layer, name).zero_()
        unit = math.sqrt(room.width) if name == "query" else 1.0
        if entries:
            rows, columns, values = zip(*entries, strict=True)
            # As the browser keeps its weights, in float32.
            made = torch.tensor([value * unit for value in values], dtype=torch.float32)
            weight[list(columns), list(rows)] = made.double()
    return layer


def _weight(layer: MultiHeadSelfAttention, name: Matrix) -> Tensor:
    """(outputs, inputs), as torch keeps it."""
    projections = {
        "query": layer.to_query, "key": layer.to_key, "value": layer.to_value, "output": layer.to_output,
    }  # fmt: skip
    return projections[name].weight


def _set_weights(layer: MultiHeadSelfAttention, number: int, edits: Iterable[WeightEdit | ScoreEdit]) -> None:
    layer.requires_grad_(False)
    for edit in edits:
        if isinstance(edit, WeightEdit) and edit.layer == number:
            weight = _weight(layer, edit.matrix)
            if edit.row >= weight.shape[1] or edit.column >= weight.shape[0]:
                raise InputError(f"W of {edit.matrix} has no row {edit.row} and column {edit.column}.")
            weight[edit.column, edit.row] = torch.tensor(edit.value, dtype=torch.float32).double()


def _scores(edits: Iterable[WeightEdit | ScoreEdit]) -> list[ScoreEdit]:
    return [one for one in edits if isinstance(one, ScoreEdit)]


def _pass(layer: MultiHeadSelfAttention, x: Tensor, edits: list[ScoreEdit]) -> tuple[Tensor, Tensor]:
    """Heads (h, n, d) and the output (n, m); with edits by the same stages, the change of a score as a bias."""
    passed = layer.run(x[None])
    if not edits:
        return passed.heads[0].transpose(0, 1), passed.output[0]
    scores = passed.stages["scores"]
    change = torch.zeros_like(scores)
    for edit in edits:
        if edit.head >= scores.shape[1] or max(edit.row, edit.column) >= scores.shape[-1]:
            raise InputError(f"Q·Kᵀ has no cell {edit.row}, {edit.column} in a head {edit.head}.")
        before = scores[0, edit.head, edit.row, edit.column]
        change[0, edit.head, edit.row, edit.column] = edit.value - before
    n = len(x)
    key, value = (
        one.repeat_interleave(layer.n_heads // layer.n_kv_heads, dim=1) for one in (passed.key, passed.value)
    )
    stages = attend(
        passed.query, key, value, scale=layer.scale, bias=change * layer.scale, temperature=layer.temperature,
        mask=torch.ones(n, n, dtype=torch.bool).tril() if layer.causal else None,
    )  # fmt: skip
    heads = stages.mixed[0]
    return heads, layer.to_output(heads.transpose(0, 1).flatten(1))


def _settings(told: object) -> LocalSettings:
    if not isinstance(told, Mapping) or not all(isinstance(name, str) for name in told):
        raise InputError("settings must be an object.")
    try:
        return LocalSettings(**told)
    except TypeError as err:
        raise InputError("settings name something that the local layer does not have.") from err


def _listed(told: Mapping[str, Any], name: str, most: int) -> list[Any]:
    found = told.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise InputError(f"{name} must be a list of at most {most}.")
    return found


def _edit(told: object) -> WeightEdit | ScoreEdit:
    if not isinstance(told, Mapping):
        raise InputError("An edit must be an object.")
    layer = _whole(told.get("layer"), "layer", MOST_LAYERS)
    row, column = (_whole(told.get(name), name, MOST_WIDTH) for name in ("row", "column"))
    value = _number(told.get("value"))
    if (matrix := told.get("matrix")) in MATRICES:
        return WeightEdit(layer=layer, matrix=matrix, row=row, column=column, value=value)
    if matrix != "scores":
        raise InputError(f"An edit is of one of {', '.join(MATRICES)} or scores.")
    head = _whole(told.get("head"), "head", MOST_HEADS)
    return ScoreEdit(layer=layer, head=head, row=row, column=column, value=value)


def _whole(value: object, name: str, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise InputError(f"{name} must be a whole number from 0 to {below - 1}.")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise InputError(f"A number set by hand must be from {-LARGEST:g} to {LARGEST:g}.")
    return float(value)
