"""Trace and HeadView: one run of a model, and one head of it with its maps made on demand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from attention.edits import Edit
from attention.errors import InputError, NoSuchHeadError
from attention.prompt import Prompt
from attention.record import display, held
from attention.record.checks import Fidelity, HeadError, check_heads, contributions
from attention.record.facts import ModelFacts, Token
from attention.record.keys import keys_of
from attention.record.operation import KINDS, AttentionRecord, Kind
from attention.record.stored import Checked, absent
from attention.record.tensors import Given, parts_of_trace, tensor_mask
from attention.stages import Stages

ID_DIGITS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """One run of one model on one text (and its pair), with every attention operation in it.

    model: what is known of it. tokens: of the text. pair_tokens: of the decoder's side, or (). all_records: every
    operation as it ran. fidelity: the run against an untouched one, or None. seconds: that the run took. notes: what a
    person should know of it, in sentences. id: by which a browser, or a file, knows this very run again. checked: the
    checks of a run that was read from a file; without it they are made when they are asked for. prompt: what decided
    the run, where a model's name and texts did, or what the file names that it was read from; None for ids, words,
    messages, a loaded model and own tensors.
    """

    model: ModelFacts = field(metadata=held.part(ModelFacts))
    tokens: tuple[Token, ...] = field(metadata=held.parts(Token, brief=True))
    pair_tokens: tuple[Token, ...] = field(default=(), metadata=held.parts(Token, brief=True))
    all_records: tuple[AttentionRecord, ...] = ()
    fidelity: Fidelity | None = None
    seconds: float = field(default=0.0, metadata=held.real(0))
    notes: tuple[str, ...] = field(default=(), metadata=held.texts(held.MOST_PIECE))
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:ID_DIGITS], metadata=held.hexadecimal(ID_DIGITS))
    checked: Checked | None = None
    prompt: Prompt | None = None

    def __post_init__(self) -> None:
        if not self.all_records:
            raise InputError("A trace needs at least one attention operation.")

    def __repr__(self) -> str:
        return display.line_of_trace(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: all heads, interactive, and a picture that stays."""
        return display.bundle(self)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What was changed while the model ran, each once, with its kind named."""
        return tuple(dict.fromkeys(edit for record in self.all_records for edit in record.edits))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention in this trace, in the order encoder, decoder, cross."""
        found = {record.kind for record in self.all_records}
        return tuple(kind for kind in KINDS if kind in found)

    @property
    def default_kind(self) -> Kind:
        """The kind that is meant when none is named: the only one, or the decoder's own."""
        return "decoder" if "decoder" in self.kinds else self.kinds[0]

    def records(self, kind: Kind | None = None, op: int = 0) -> dict[int, AttentionRecord]:
        """The records of a kind by the model's own layer number."""
        kind = self._kind(kind)
        found = {record.layer: record for record in self.all_records if record.kind == kind and record.op == op}
        if not found:
            raise NoSuchHeadError(f"No layer runs a {kind} attention number {op}; count operations from 0.")
        return dict(sorted(found.items()))

    def record(self, layer: int, kind: Kind | None = None, op: int = 0) -> AttentionRecord:
        """One layer's record; raises NoSuchHeadError that lists the layers there are."""
        records = self.records(kind, op)
        if layer not in records:
            raise NoSuchHeadError(
                f"Layer {layer} has no {self._kind(kind)} attention; layers with it: {_ranges(list(records))}."
            )
        return records[layer]

    def head(self, layer: int, head: int, kind: Kind | None = None, *, op: int = 0) -> HeadView:
        """One head's view, made now. Layers and heads count from 0."""
        record = self.record(layer, kind, op)
        if not 0 <= head < record.n_heads:
            raise NoSuchHeadError(f"Layer {layer} has heads 0 to {record.n_heads - 1}; got {head}.")
        return HeadView(trace=self, record=record, head=head)

    def query_tokens(self, kind: Kind | None = None) -> tuple[Token, ...]:
        """The tokens that ask, in this kind of attention."""
        return self.pair_tokens if self.pair_tokens and self._kind(kind) in ("decoder", "cross") else self.tokens

    def key_tokens(self, kind: Kind | None = None) -> tuple[Token, ...]:
        """The tokens that are looked at, in this kind of attention."""
        return self.pair_tokens if self.pair_tokens and self._kind(kind) == "decoder" else self.tokens

    def _kind(self, kind: Kind | None) -> Kind:
        if kind is None:
            return self.default_kind
        if kind not in self.kinds:
            raise NoSuchHeadError(f"This trace has no {kind!r} attention; it has: {', '.join(self.kinds)}.")
        return kind

    @cached_property
    def _errors(self) -> dict[tuple[Kind, int, int], list[HeadError]]:
        return {}

    def layer_errors(self, record: AttentionRecord) -> list[HeadError]:
        """Each head's check in one layer, computed once. The model's own code runs here, in row blocks."""
        place = (record.kind, record.layer, record.op)
        if place not in self._errors:
            known = None if self.checked is None else self.checked.errors.get(place)
            self._errors[place] = check_heads(record) if known is None else list(known)
        return self._errors[place]

    @classmethod
    def from_tensors(
        cls,
        *,
        query: Tensor | Sequence[Tensor] | None = None,
        key: Tensor | Sequence[Tensor] | None = None,
        value: Tensor | Sequence[Tensor] | None = None,
        weights: Tensor | Sequence[Tensor] | None = None,
        output: Tensor | Sequence[Tensor] | None = None,
        scale: float | None = None,
        causal: bool = False,
        mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        softcap: float | None = None,
        sink: Tensor | None = None,
        tokens: Sequence[str] | None = None,
        pair_tokens: Sequence[str] | None = None,
        batch: int | None = None,
        name: str = "own tensors",
    ) -> Trace:
        """A trace of one's own attention: q and k, or weights; of one layer, or with an axis of layers before the rest.

        query (h, n_q, d): after rotary embedding and norms. key (g, n_k, d) and value (g, n_k, v): g heads that divide
        h. weights (h, n_q, n_k): in place of query and key. output (n_q, h, v): what the operation put out, to check
        against; without it there is no check. scale: default 1/√d. causal: no query sees a later key. mask (n_q, n_k):
        boolean, True = may attend. position_bias (h or 1, n_q, n_k): added to the scaled scores. softcap: c of
        c·tanh(s/c). sink (h,): a learned logit beside the keys. tokens: name the keys. pair_tokens: name the queries
        where the two differ (then the kind is "cross"). name: of the model, to be shown. Any of the tensors may come as
        a model returns it, a tuple of layers, each of a batch (1, h, n_q, n_k): `weights=outputs.attentions`. batch:
        which text of a larger batch; with it a tensor of four axes is one layer of a batch.

        Raises InputError that says which shape or type does not fit.
        """
        given = Given.of(query, key, value, weights, output, batch)
        rule = tensor_mask(causal, mask, given)
        return cls(**parts_of_trace(given, scale, rule, position_bias, softcap, sink, tokens, pair_tokens, name))


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadView:
    """One head of one layer, with its maps; all arrays are read-only float32 numpy.

    trace: that it is of. record: its layer's operation. head: its number, from 0.
    """

    trace: Trace
    record: AttentionRecord
    head: int

    def __repr__(self) -> str:
        return display.line_of_head(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: this head and all others, interactive, and a picture that stays."""
        return display.bundle(self)

    @property
    def layer(self) -> int:
        """The model's own layer number, from 0."""
        return self.record.layer

    @property
    def kind(self) -> Kind:
        """Of attention: encoder, decoder or cross."""
        return self.record.kind

    @property
    def query_tokens(self) -> tuple[Token, ...]:
        """The tokens that ask, n_q of them."""
        return self.trace.query_tokens(self.kind)

    @property
    def key_tokens(self) -> tuple[Token, ...]:
        """The keys of this head: tokens, and what else the model put beside them (see `attention.record.keys`)."""
        trace = self.trace
        return keys_of(self.record, trace.key_tokens(self.kind), trace.query_tokens(self.kind), trace.tokens)

    @cached_property
    def _made(self) -> Stages:
        return self.record.stages(self.head)

    @cached_property
    def stages(self) -> tuple[tuple[str, np.ndarray], ...]:
        """Ordered (name, (n_q, n_k)); see `attention.stages.Stages`."""
        return tuple((name, _array(tensor)) for name, tensor in self._made.steps)

    def stage(self, name: str) -> np.ndarray:
        """One stage by name, (n_q, n_k); raises NoSuchHeadError that lists those this head has."""
        for own, array in self.stages:
            if own == name:
                return array
        raise NoSuchHeadError(f"This head has no stage {name!r}; it has: {', '.join(own for own, _ in self.stages)}.")

    @property
    def scores(self) -> np.ndarray:
        """Q·Kᵀ as the operation receives them, (n_q, n_k)."""
        return self.stage("scores")

    @property
    def scaled(self) -> np.ndarray:
        """The scores times the scale, (n_q, n_k)."""
        return self.stage("scaled")

    @property
    def softcapped(self) -> np.ndarray:
        """c·tanh(s/c) of the scaled scores, (n_q, n_k), where the model caps them; else NoSuchHeadError."""
        return self.stage("softcapped")

    @property
    def biased(self) -> np.ndarray:
        """The scores with the bias by position, (n_q, n_k), where the model adds one; else NoSuchHeadError."""
        return self.stage("biased")

    @property
    def masked(self) -> np.ndarray:
        """The scores that enter the softmax, −inf where the query may not attend, (n_q, n_k)."""
        return self.stage("masked")

    @property
    def weights(self) -> np.ndarray:
        """Softmax weights over the keys, (n_q, n_k); each row sums to 1 less the sink's share."""
        return self.stage("weights")

    @cached_property
    def sink_weight(self) -> np.ndarray | None:
        """The learned sink's share of each row, (n_q,), or None where the model has no sink."""
        return None if self._made.sink_weight is None else _array(self._made.sink_weight)

    @property
    def sink_in_weights(self) -> bool:
        """Whether a learned sink takes its share from the weights (and not, as in Granite, from the output)."""
        return self.record.sink is not None and not self.record.sink_scales

    @cached_property
    def output(self) -> np.ndarray | None:
        """The weighted values, (n_q, v), or None where the values are not known."""
        return None if self._made.output is None else _array(self._made.output)

    @cached_property
    def query(self) -> np.ndarray | None:
        """What each query token asks with, (n_q, d), or None where it is not known."""
        return None if self.record.query is None else _array(self.record.query[self.head])

    @cached_property
    def key(self) -> np.ndarray | None:
        """What each key token is found by, (n_k, d), or None where it is not known."""
        return None if self.record.key is None else _array(self.record.key[self.record.kv_head(self.head)])

    @cached_property
    def value(self) -> np.ndarray | None:
        """What each key token brings, (n_k, v), or None where it is not known."""
        return None if self.record.value is None else _array(self.record.value[self.record.kv_head(self.head)])

    def value_terms(self, query: int) -> np.ndarray:
        """weight × value of each key for one query, (n_k, v); they sum to that query's output."""
        if self.value is None:
            raise NoSuchHeadError("The values of this head are not known.")
        return self.weights[query][:, None] * self.value * self.output_scale[query]

    @cached_property
    def output_scale(self) -> np.ndarray:
        """What each query's weighted sum is multiplied by, (n_q,): 1, or 1 − the sink's share where it acts there."""
        if self.record.sink_scales and self.sink_weight is not None:
            return 1 - self.sink_weight
        return np.ones(self.record.n_q, dtype=np.float32)

    @cached_property
    def contribution(self) -> np.ndarray | None:
        """This head's share of the attention output after W_O, (n_q, m); None with `no_contribution` the reason."""
        return None if self._contribution is None else _array(self._contribution)

    @property
    def no_contribution(self) -> str:
        """Why there is no contribution, or ""."""
        if self._contribution is not None:
            return ""
        return self.record.no_projection or absent(self.record.projection)

    @cached_property
    def _contribution(self) -> Tensor | None:
        return contributions(self.record, heads=[self.head])[0]

    @property
    def norm_follows(self) -> str | None:
        """The norm that the contribution still passes through before it is added to the stream, or None."""
        return None if self.record.projection is None else self.record.projection.norm_follows

    @property
    def error(self) -> HeadError:
        """This head's check against the model's own eager attention and its own output."""
        return self.trace.layer_errors(self.record)[self.head]

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the capture mode cannot give for this head, in words."""
        missing = {"query": self.record.query, "key": self.record.key, "value": self.record.value}
        return tuple(name for name, tensor in missing.items() if tensor is None)


def _array(tensor: Tensor) -> np.ndarray:
    array = np.array(tensor.detach().to("cpu", torch.float32).numpy(), order="C", copy=True)
    array.flags.writeable = False
    return array


def _ranges(numbers: list[int]) -> str:
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]} to {numbers[-1]}" if whole and len(numbers) > 2 else ", ".join(map(str, numbers))
