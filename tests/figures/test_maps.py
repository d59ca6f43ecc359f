"""Maps of averages, rollout and words: the arrays that they carry, and which cells are hatched, by brute force."""

import dataclasses
import json

import numpy as np
import pytest
import torch

import attention
from attention import Trace
from attention.analysis.averages import average, over_all, over_heads
from attention.analysis.rollout import rollout
from attention.analysis.words import merged
from attention.figures import maps
from tests.figures.heads import N_K, N_Q, causal, cross, tensors

LAYERS, N = 3, 7
ABOVE = np.triu(np.ones((N, N), dtype=bool), 1)


def stacked(**rules: object) -> Trace:
    """Three layers of two heads on seven tokens."""
    made = {
        name: torch.stack([tensors(N, N, seed)[name] for seed in range(LAYERS)]) for name in ("query", "key", "value")
    }
    return Trace.from_tensors(**made, **rules)  # type: ignore[arg-type]


def softmaxes(trace: Trace, mask: torch.Tensor | None = None) -> np.ndarray:
    """All heads' weights (layers · heads, n, n) by torch's own softmax."""
    found = []
    for record in trace.all_records:
        assert record.query is not None
        assert record.key is not None
        scores = record.query @ record.key.mT / record.query.shape[-1] ** 0.5
        found += list(torch.softmax(scores if mask is None else scores.masked_fill(~mask, -torch.inf), -1))
    return torch.stack(found).double().numpy()


def drawn(trace: Trace, made: object) -> tuple[object, object]:
    hidden = maps.closed_to_all(trace, made, trace.default_kind)  # type: ignore[arg-type]
    return maps.average(made, trace.tokens, trace.tokens, hidden=hidden)  # type: ignore[arg-type, return-value]


class TestAverages:
    def test_the_two_maps_are_the_mean_and_the_deviation_of_torchs_softmaxes(self):
        trace = stacked(causal=True)
        mean, spread = drawn(trace, over_all(trace))
        every = softmaxes(trace, torch.ones(N, N).tril().bool())
        for figure, wanted in ((mean, every.mean(0)), (spread, every.std(0))):
            z = figure.data[0].z
            np.testing.assert_array_equal(np.isnan(z), ABOVE)
            np.testing.assert_allclose(z[~ABOVE], wanted[~ABOVE], atol=1e-6)
            assert z.dtype == np.float32

    def test_both_have_one_range_of_colours_so_that_they_can_be_compared(self):
        trace = stacked()
        for figure in drawn(trace, over_heads(trace, 1)):
            assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 1)
            assert figure.data[0].meta["scale"] == "weights"

    def test_row_0_is_on_top(self):
        for figure in drawn(stacked(), over_all(stacked())):
            assert tuple(figure.layout.yaxis.range) == (N - 0.5, -0.5)

    def test_hatching_only_where_something_is_closed(self):
        trace = stacked(causal=True)
        assert all(len(figure.layout.images) == 1 for figure in drawn(trace, over_all(trace)))
        assert not any(figure.layout.images for figure in drawn(stacked(), over_all(stacked())))

    def test_a_cell_is_closed_only_where_every_head_has_it_closed(self):
        head = causal()
        masks = torch.ones(2, N_Q, N_Q, dtype=torch.bool)
        masks[0, 3, :3] = masks[1, 3, 2:5] = False
        trace = _masked(head.trace, masks)
        hidden = maps.closed_to_all(trace, over_heads(trace, 0), "decoder")
        assert list(zip(*np.nonzero(hidden), strict=True)) == [(3, 2)]
        one = average(trace, [(0, 1)], label="one")
        assert set(zip(*np.nonzero(maps.closed_to_all(trace, one, "decoder")), strict=True)) == {(3, 2), (3, 3), (3, 4)}

    def test_a_weight_that_got_past_the_mask_stays_in_sight(self, monkeypatch):
        from attention import stages

        monkeypatch.setattr(stages, "apply_mask", lambda scores, mask: scores)
        trace = stacked(causal=True)
        assert all(np.isfinite(figure.data[0].z).all() for figure in drawn(trace, over_all(trace)))

    def test_maps_of_two_texts_have_their_own_sides(self):
        trace = cross().trace
        made = over_heads(trace, 0)
        mean, _ = maps.average(
            made, trace.pair_tokens, trace.tokens, hidden=maps.closed_to_all(trace, made, "cross")
        )  # fmt: skip
        assert mean.data[0].z.shape == (N_Q, N_K)
        assert list(mean.layout.yaxis.ticktext) == [f"q{i}" for i in range(N_Q)]
        assert list(mean.layout.xaxis.ticktext) == [f"k{i}" for i in range(N_K)]


def _masked(trace: Trace, masks: torch.Tensor) -> Trace:
    record = trace.all_records[0]
    rule = dataclasses.replace(record.mask, before=None, after=None, array=masks)
    return dataclasses.replace(trace, all_records=(dataclasses.replace(record, kind="decoder", mask=rule),))


class TestRollout:
    def test_the_first_map_is_the_rollout_and_the_second_what_even_layers_do_not_give(self):
        trace = stacked(causal=True)
        made = rollout(trace)
        mixed, beyond = maps.rollout(made, trace.tokens, hidden=maps.unreachable(trace, made))
        open_ = ~ABOVE
        np.testing.assert_array_equal(mixed.data[0].z[open_], made.mixed[open_])
        np.testing.assert_array_equal(beyond.data[0].z[open_], (made.mixed - made.even)[open_])
        for figure in (mixed, beyond):
            np.testing.assert_array_equal(np.isnan(figure.data[0].z), ABOVE)
            assert len(figure.layout.images) == 1

    def test_the_difference_is_centred_on_0(self):
        trace = stacked(causal=True)
        made = rollout(trace)
        trace_of = maps.rollout(made, trace.tokens, hidden=maps.unreachable(trace, made))[1].data[0]
        assert trace_of.meta["scale"] == "scores"
        assert trace_of.zmin == -trace_of.zmax < 0

    def test_even_heads_differ_in_nothing(self):
        even = (torch.ones(N, N).tril() / torch.arange(1, N + 1)[:, None]).expand(LAYERS, 2, N, N)
        trace = Trace.from_tensors(weights=even, causal=True)
        made = rollout(trace)
        beyond = maps.rollout(made, trace.tokens, hidden=maps.unreachable(trace, made))[1]
        np.testing.assert_allclose(beyond.data[0].z[~ABOVE], 0, atol=1e-7)

    def test_without_a_causal_mask_there_is_one_map_and_no_hatching(self):
        trace = stacked()
        made = rollout(trace)
        mixed, beyond = maps.rollout(made, trace.tokens, hidden=maps.unreachable(trace, made))
        assert beyond is None
        assert not mixed.layout.images
        assert np.isfinite(mixed.data[0].z).all()

    def test_a_window_reaches_as_far_as_the_layers_carry_it(self):
        rows, columns = np.indices((N, N))
        window = torch.tensor((columns <= rows) & (columns >= rows - 1))
        trace = stacked(mask=window)
        hidden = maps.unreachable(trace, rollout(trace))
        np.testing.assert_array_equal(hidden, ~((columns <= rows) & (columns >= rows - LAYERS)))

    def test_what_reaches_through_a_lost_mask_stays_in_sight(self, monkeypatch):
        from attention import stages

        monkeypatch.setattr(stages, "apply_mask", lambda scores, mask: scores)
        trace = stacked(causal=True)
        assert not maps.unreachable(trace, rollout(trace)).any()


class TestWords:
    TEXT = "Unbelievably, the storytellers’ dragonflies hummed."

    def test_cells_are_sums_over_keys_and_means_over_queries(self):
        head = attention.trace("storyteller", self.TEXT).head(1, 2)
        made = merged(head)
        assert len(made.keys) < len(head.key_tokens)
        z = maps.words(made, head.query_tokens, head.key_tokens, hidden=maps.closed_words(head, made)).data[0].z
        for i, row in enumerate(made.queries):
            for j, column in enumerate(made.keys):
                cell = head.weights[row.start : row.stop, column.start : column.stop]
                if column.start >= row.stop:
                    assert np.isnan(z[i, j])
                else:
                    assert z[i, j] == pytest.approx(cell.sum(1).mean(), abs=1e-6)

    def test_axes_are_the_words(self):
        head = attention.trace("storyteller", self.TEXT).head(1, 2)
        made = merged(head)
        figure = maps.words(made, head.query_tokens, head.key_tokens, hidden=maps.closed_words(head, made))
        assert "dragonflies" in figure.layout.xaxis.ticktext
        assert list(figure.layout.xaxis.ticktext) == list(figure.layout.yaxis.ticktext)
        assert len(figure.layout.images) == 1

    def test_a_long_word_is_cut(self):
        head = causal(["a" * 40, "b"])
        made = merged(head)
        figure = maps.words(made, head.query_tokens, head.key_tokens, hidden=maps.closed_words(head, made))
        assert figure.layout.yaxis.ticktext[0] == "a" * (maps.LABEL_CHARS - 1) + "…"

    def test_the_second_sentence_begins_with_a_line_between_its_words(self):
        head = causal(["a", "b", "c", "d"])
        tokens = tuple(
            dataclasses.replace(token, segment=int(i >= 2), part=(i, 2) if i < 2 else None, span=(0, 1))
            for i, token in enumerate(head.trace.tokens)
        )
        pair = dataclasses.replace(head, trace=dataclasses.replace(head.trace, tokens=tokens))
        made = merged(pair)
        assert made.keys[0].stop == 2
        shapes = maps.words(made, tokens, tokens, hidden=maps.closed_words(pair, made)).layout.shapes
        assert [(s.x0, s.x1, s.y0, s.y1) for s in shapes] == [(0, 1, 0.5, 0.5), (0.5, 0.5, 0, 1)]


def test_markup_in_tokens_and_words_is_shown_literally():
    names = ["<b>x</b>", "<script>", "a&b", "one", "two", "three", "four"]
    trace = stacked(causal=True, tokens=names)
    head = trace.head(0, 0)
    made, mixed = merged(head), rollout(trace)
    figures = [
        *drawn(trace, over_all(trace)), *maps.rollout(mixed, trace.tokens, hidden=maps.unreachable(trace, mixed)),
        maps.words(made, trace.tokens, trace.tokens, hidden=maps.closed_words(head, made)),
    ]  # fmt: skip
    for figure in figures:
        for axis in (figure.layout.xaxis, figure.layout.yaxis):
            assert axis.ticktext[0] == "&lt;b&gt;x&lt;/b&gt;"
            assert "<" not in json.dumps(list(axis.ticktext))


class TestInWords:
    def test_the_largest_cell_is_named_with_its_number(self):
        z = np.array([[0.25, 0.75], [0.9, 0.1]], dtype=np.float32)
        said = maps.in_words("Average", z, ["a", "b"], ["x", "y"])
        assert said == "Average: 2 rows by 2 columns. The largest cell: row “b”, column “x”, 0.9."

    def test_a_row_without_a_choice_is_not_what_is_named(self):
        z = np.array([[1, np.nan, np.nan], [0.7, 0.3, np.nan], [0.1, 0.1, 0.8]], dtype=np.float32)
        assert maps.largest(z) == (2, 2)
        assert maps.largest(z[:1]) == (0, 0), "where there is no other"

    def test_of_differences_the_farthest_from_0(self):
        assert maps.largest(np.array([[0.2, -0.5]], dtype=np.float32)) == (0, 1)

    def test_a_map_that_is_all_closed_has_none(self):
        assert maps.largest(np.full((2, 2), np.nan, dtype=np.float32)) is None
        assert "Nothing" in maps.in_words("Average", np.full((1, 1), np.nan), ["a"], ["x"])
