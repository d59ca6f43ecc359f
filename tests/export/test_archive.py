"""A run as a file and back: the same numbers, the same checks and the same page, byte for byte, for many sorts."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.browser import overview, parts, store
from attention.config import Limits
from attention.errors import InputError, ModelError, NoSuchHeadError, TooLongError
from attention.export import Opened, from_npz, to_npz
from attention.export.document import to_json
from attention.export.interactive import interactive
from attention.export.provenance import provenance
from attention.record import AttentionRecord, Fidelity, HeadView, Trace, plain
from attention.view import MEASURES, View
from tests.export.made import SORTS

TENSORS = ("query", "key", "value", "output", "weights", "sink", "projected")
RULES = ("layer", "kind", "op", "scale", "softcap", "sink_scales", "temperature", "no_projection")


def view_of(trace: Trace, **fields: object) -> View:
    """The last head of the last layer of the last kind."""
    kind = trace.kinds[-1]
    layer, record = list(trace.records(kind).items())[-1]
    return View(kind=kind, layer=layer, head=record.n_heads - 1, **fields)


def head_of(trace: Trace, view: View) -> HeadView:
    return trace.head(view.layer, view.head, view.kind or None)


def contents(view: View) -> Callable[[Trace], dict[str, bytes]]:
    """All that the page is given of this view, but for the measures."""

    def of(trace: Trace) -> dict[str, bytes]:
        head = head_of(trace, view)
        looks = {"seen": 3, "limit": 512, "undo": False}
        return {
            "run": store.run(head, view), "look": store.look(head, view, 2, **looks),
            "panels": parts.panels(head, view), "overview": overview.payload(trace, head.kind, view),
        }  # fmt: skip

    return of


@pytest.fixture(scope="module", params=SORTS)
def saved(request: pytest.FixtureRequest) -> tuple[Trace, View, Opened]:
    trace = SORTS[request.param]()
    view = view_of(trace, weights="norms", values="contribution", query=2)
    return trace, view, from_npz(to_npz(trace, view))


def same(a: torch.Tensor | None, b: torch.Tensor | None) -> bool:
    return a is b is None or (a is not None and b is not None and a.dtype == b.dtype and torch.equal(a, b))


def test_the_records_come_back_bit_for_bit(saved: tuple[Trace, View, Opened]) -> None:
    trace, view, opened = saved
    back = opened.trace
    assert (back.id, back.model, back.tokens, back.pair_tokens) == (
        trace.id, trace.model, trace.tokens, trace.pair_tokens,
    )  # fmt: skip
    assert opened.view == view
    assert back.prompt == (None if back.model.capture_mode == "tensors" else view.prompt)
    for own, other in zip(trace.all_records, back.all_records, strict=True):
        assert {name: getattr(own, name) for name in RULES} == {name: getattr(other, name) for name in RULES}
        for name in TENSORS:
            assert same(getattr(own, name), getattr(other, name)), name
        assert (own.mask.before, own.mask.after) == (other.mask.before, other.mask.after)
        assert same(own.mask.array, other.mask.array)
        assert same(own.mask.keys, other.mask.keys)
        assert (own.position_bias is None) == (other.position_bias is None)
        if own.position_bias is not None:
            assert same(own.position_bias.numbers, other.position_bias.numbers)


def test_the_page_is_given_the_same_bytes(saved: tuple[Trace, View, Opened]) -> None:
    trace, view, opened = saved
    assert contents(view)(opened.trace) == contents(view)(trace)


def test_every_measure_of_all_heads_gives_the_same_bytes(saved: tuple[Trace, View, Opened]) -> None:
    trace, view, opened = saved
    kind = head_of(trace, view).kind
    for measure in MEASURES:
        shown = replace(view, measure=measure)
        assert overview.payload(opened.trace, kind, shown) == overview.payload(trace, kind, shown), measure


def test_the_checks_are_those_that_were_measured(saved: tuple[Trace, View, Opened]) -> None:
    trace, _, opened = saved
    for own, other in zip(trace.all_records, opened.trace.all_records, strict=True):
        assert other.witness is None
        assert repr(opened.trace.layer_errors(other)) == repr(trace.layer_errors(own))
    assert opened.trace.fidelity == trace.fidelity
    assert "not made again" in opened.trace.notes[-1]
    assert opened.provenance.measured in opened.trace.notes[-1]


def test_a_file_of_a_file_says_when_its_numbers_were_checked(saved: tuple[Trace, View, Opened]) -> None:
    trace, view, opened = saved
    again = from_npz(to_npz(opened.trace, view))
    assert contents(view)(again.trace) == contents(view)(trace)
    assert again.provenance.measured == opened.provenance.measured
    assert again.trace.notes == opened.trace.notes
    assert repr(again.provenance.checks) == repr(opened.provenance.checks)


def test_numpy_alone_finds_the_head_on_show(saved: tuple[Trace, View, Opened]) -> None:
    trace, view, _ = saved
    head = head_of(trace, view)
    with np.load(io.BytesIO(to_npz(trace, view)), allow_pickle=False) as file:
        about = json.loads(file["about"].tobytes())
        for name, array in head.stages:
            assert np.array_equal(file[name], array)
            assert name in about["shown"]["arrays"]
        assert ("output" in file) == (head.output is not None)
        assert head.output is None or np.array_equal(file["output"], head.output)
        assert ("contribution" in file) == (head.contribution is not None)
        assert head.contribution is None or np.array_equal(file["contribution"], head.contribution)
        assert (about["shown"]["layer"], about["shown"]["head"]) == (view.layer, view.head)
        for array in file.values():
            assert array.dtype != object


def test_a_long_text_that_travels_in_tiles_gives_the_same_bytes() -> None:
    draw = torch.Generator().manual_seed(8)
    whole = torch.randn(1060, 3 * 17, generator=draw)  # q, k and v side by side, as many models have them
    q, k, v = (part.view(1060, 1, 17).transpose(0, 1) for part in whole.chunk(3, dim=-1))
    trace = Trace.from_tensors(query=q, key=k, value=v, causal=True)
    view = View(query=1000, also=(3, 500))
    assert store.level(trace, "decoder") == "tiles"
    opened = from_npz(to_npz(trace, view))
    assert store.run(opened.trace.head(0, 0), view) == store.run(trace.head(0, 0), view)


@pytest.mark.parametrize(("n", "d"), [(5, 4), (9, 64), (11, 16), (127, 32)])
def test_the_last_digit_does_not_depend_on_how_numbers_lie_in_memory(n: int, d: int) -> None:
    """A product's last digit does; what a file gives back lies otherwise than what a model left."""
    whole = torch.randn(n, 9 * d, generator=torch.Generator().manual_seed(n))
    apart = [part.view(n, 3, d).transpose(0, 1) for part in whole.chunk(3, dim=-1)]
    packed = [torch.cat([torch.zeros(3), part.reshape(-1)])[3:].view(3, n, d) for part in apart]
    first, second = (AttentionRecord(layer=0, kind="encoder", query=q, key=k, value=v) for q, k, v in (apart, packed))
    for head in range(3):
        for rows in ((0, n), (1, 4)):
            own, other = first.stages(head, *rows), second.stages(head, *rows)
            assert own["scores"].equal(other["scores"])
            assert own.mixed.equal(other.mixed)


# What depends on the model


def gone(trace: Trace) -> Trace:
    """The trace read back without any W_O in its file."""
    view = view_of(trace, weights="norms", values="contribution")
    return from_npz(to_npz(trace, view)).trace


def test_without_its_projection_a_file_still_shows_its_head_and_all_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "SMALL", 0)
    trace = SORTS["gpt2"]()
    view = view_of(trace, weights="norms", values="contribution", measure="norms")
    opened = from_npz(to_npz(trace, view))
    assert contents(view)(opened.trace) == contents(view)(trace)
    other = opened.trace.head(0, 0)
    assert other.contribution is None
    assert other.no_contribution == plain.NOT_KEPT
    assert other.record.no_projection == ""


def test_small_projections_are_kept_so_that_every_head_has_its_contribution() -> None:
    for sort in ("gpt2", "bert", "local"):
        trace = SORTS[sort]()
        back = gone(trace)
        own, other = trace.head(0, 0), back.head(0, 0)
        assert own.contribution is not None
        assert np.array_equal(other.contribution, own.contribution), sort


def test_a_model_that_was_gone_before_is_gone_in_the_file() -> None:
    trace = attention.trace("local", "a b c")

    class Gone:
        name, norm_follows = "o", "norm"

        def __call__(self, heads: torch.Tensor) -> torch.Tensor:
            raise ReferenceError("the model is no longer loaded")

    records = tuple(replace(record, projection=Gone(), projected=None) for record in trace.all_records)
    lost = replace(trace, all_records=records)
    view = View(weights="norms", values="contribution", measure="norms")
    opened = from_npz(to_npz(lost, view))
    assert opened.trace.head(0, 1).no_contribution == "the model is no longer loaded"
    assert opened.trace.head(0, 1).norm_follows == "norm"
    assert contents(view)(opened.trace) == contents(view)(lost)


def test_maps_that_only_a_gone_model_has_are_asked_for_in_words() -> None:
    trace = attention.trace("local", "a b c")

    def maps() -> tuple[torch.Tensor, torch.Tensor]:
        raise ModelError("The model is no longer loaded, and only its own run has the weights: trace it again.")

    record = replace(trace.all_records[0], query=None, key=None, maps=maps)
    with pytest.raises(ModelError, match="trace it again"):
        to_npz(replace(trace, all_records=(record,)), View())


# What is shared, and what does not fit


def test_what_layers_share_is_kept_once_and_shared_again() -> None:
    trace = SORTS["t5"]()
    biases = [record.position_bias.numbers for record in trace.records("encoder").values()]
    assert biases[0] is biases[1]
    back = from_npz(to_npz(trace, view_of(trace))).trace
    again = [record.position_bias.numbers for record in back.records("encoder").values()]
    assert again[0] is again[1]


def test_the_same_run_makes_the_same_bytes_but_for_the_time() -> None:
    trace = attention.trace("local", "a b c")
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert provenance(trace, now=moment).made == "2026-01-02T03:04:05Z"
    first, second = (np.load(io.BytesIO(to_npz(trace, View()))) for _ in range(2))
    assert first.files == second.files
    for name in first.files:
        assert name == "about" or first[name].tobytes() == second[name].tobytes()


def test_differences_that_are_no_number_survive() -> None:
    trace = attention.trace("local", "a b c")
    query = trace.all_records[0].query.clone()
    query[1, 1, 0] = math.nan
    query[2, 2, 0] = math.inf
    damaged = replace(trace, all_records=(replace(trace.all_records[0], query=query),), fidelity=Fidelity(
        of="logits", absolute=math.nan, relative=math.inf, tolerance=1e-5,
    ))  # fmt: skip
    opened = from_npz(to_npz(damaged, View()))
    assert math.isnan(damaged.head(0, 1).error.absolute)
    for head in range(4):
        assert repr(opened.trace.head(0, head).error) == repr(damaged.head(0, head).error)
    assert repr(opened.trace.fidelity) == repr(damaged.fidelity)
    assert opened.trace.all_records[0].query.isnan().equal(query.isnan())
    assert not opened.trace.fidelity.ok


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_each_type_comes_back_to_the_last_bit(dtype: torch.dtype) -> None:
    count = 65_536
    integers = {2: torch.int16, 8: torch.int64}[dtype.itemsize]
    bits = torch.arange(count).to(integers) if dtype.itemsize == 2 else torch.randint(-(2**62), 2**62, (count,))
    value = bits.view(dtype).view(1, -1, 8)  # every pattern of 16 bits, each NaN included
    like = torch.zeros(1, value.shape[1], 1, dtype=dtype)
    record = AttentionRecord(layer=0, kind="cross", query=like[:, :2], key=like, value=value)
    tree, arrays = plain.pack(replace(attention.trace("local", "a"), all_records=(record,)))
    kept = tree["records"][0]["value"]
    assert kept["type"] == str(dtype).removeprefix("torch.")
    assert arrays[kept["array"]].dtype.name == ("float32" if dtype is torch.bfloat16 else kept["type"])
    from attention.record.arrays import to_tensor

    back = to_tensor(arrays[kept["array"]], kept["type"], "value")
    assert back.view(integers).equal(value.view(integers))


def test_half_a_character_becomes_a_sign_and_control_characters_stay() -> None:
    trace = attention.trace("local", "a b\x00\x1b \ud800c \u202ed")
    opened = from_npz(to_npz(trace, View()))
    texts = [token.text for token in trace.tokens]
    assert any("\ud800" in text for text in texts)
    assert [token.text for token in opened.trace.tokens] == [text.replace("\ud800", "\ufffd") for text in texts]


def test_a_head_that_is_not_there_cannot_be_on_show() -> None:
    with pytest.raises(NoSuchHeadError):
        to_npz(attention.trace("local", "a b"), View(head=9))


@pytest.mark.parametrize(
    "named",
    [{"query": 2}, {"also": (0, 2)}, {"key": 2}, {"zoom": (0, 2, 0, 1)}, {"zoom": (0, 1, 0, 2)}, {"beside": ((0, 4),)}],
    ids=str,
)
@pytest.mark.parametrize("make", [to_npz, interactive, to_json], ids=lambda make: make.__name__)
def test_a_file_never_shows_what_is_not_there(make: Callable[[Trace, View], object], named: dict[str, Any]) -> None:
    """It could not be read again, or would open on nothing."""
    trace = attention.trace("local", "a b")
    assert make(trace, View(query=1, key=1, zoom=(0, 1, 0, 1), beside=((0, 3),)))
    with pytest.raises((InputError, NoSuchHeadError), match=r"queries 0 to 1 and keys 0 to 1\.|heads 0 to 3"):
        make(trace, View(**named))


def test_what_no_file_can_hold_is_refused_in_a_sentence() -> None:
    trace = attention.trace("local", "a b")
    broken = replace(trace, all_records=(replace(trace.all_records[0], scale=math.inf),))
    with pytest.raises(InputError, match="scale inf"):
        to_npz(broken, View())


def test_limits_are_those_of_the_page() -> None:
    trace = attention.trace("local", "one two three four five")
    data = to_npz(trace, View())
    assert from_npz(data, Limits(max_tokens=5)).trace.id == trace.id
    with pytest.raises(TooLongError, match="5 tokens; the limit here is 4"):
        from_npz(data, Limits(max_tokens=4))
    big = Trace.from_tensors(query=torch.randn(1, 700, 400), key=torch.randn(1, 700, 400))
    with pytest.raises(InputError, match="at most 1 MB"):
        to_npz(big, View(), Limits(file_mb=1))
    data = to_npz(big, View())
    with pytest.raises(InputError, match="at most 1 MB"):
        from_npz(data, Limits(file_mb=1))
    assert from_npz(data).trace.id == big.id  # a script has no limit of tokens


def test_numbers_that_shrink_to_nothing_are_still_a_file_that_opens() -> None:
    zeros = torch.zeros(1, 1500, 2000)
    trace = Trace.from_tensors(query=zeros, key=zeros)
    data = to_npz(trace, View())
    assert from_npz(data).trace.all_records[0].query.equal(zeros)
