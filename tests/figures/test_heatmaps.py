import dataclasses
import json

import numpy as np
import pytest
import torch

import attention
from attention import HeadView, Trace
from attention.errors import InputError, NoSuchHeadError
from attention.figures import alt, axes, heatmaps, panels
from attention.figures.palette import DARK, LIGHT
from tests.figures.heads import D_HEAD, N_K, N_Q, causal, cross


def z_of(figure):
    return figure.data[0].z


class TestArrays:
    def test_weights_are_the_heads_own_row_0_first(self):
        head = cross()
        np.testing.assert_array_equal(z_of(heatmaps.weights(head)), head.weights)
        assert z_of(heatmaps.weights(head)).shape == (N_Q, N_K)

    def test_row_0_is_on_top(self):
        for figure in (heatmaps.scores(cross()), heatmaps.weights(cross()), heatmaps.values(cross())):
            assert tuple(figure.layout.yaxis.range) == (N_Q - 0.5, -0.5)

    def test_the_three_share_the_axis_of_queries(self):
        head = causal()
        axes = [f.layout.yaxis for f in (heatmaps.scores(head), heatmaps.weights(head), heatmaps.values(head))]
        assert axes[0] == axes[1] == axes[2]

    def test_values_are_the_output_over_the_heads_dimensions(self):
        head = cross()
        figure = heatmaps.values(head)
        np.testing.assert_array_equal(z_of(figure), head.output)
        assert list(figure.layout.xaxis.ticktext) == ["0", str(D_HEAD - 1)]

    @pytest.mark.parametrize("figure", [heatmaps.scores, heatmaps.weights, heatmaps.values])
    def test_arrays_stay_float32(self, figure):
        assert z_of(figure(causal())).dtype == np.float32

    def test_the_same_head_gives_the_same_figure(self):
        assert heatmaps.scores(cross()).to_json() == heatmaps.scores(cross()).to_json()


class TestMask:
    def test_cells_are_nan_exactly_where_the_mask_forbids(self):
        above = np.triu(np.ones((N_Q, N_Q), dtype=bool), 1)
        np.testing.assert_array_equal(np.isnan(z_of(heatmaps.weights(causal()))), above)
        np.testing.assert_array_equal(np.isnan(z_of(heatmaps.scores(causal(), stage="masked"))), above)

    def test_a_weight_that_got_past_the_mask_stays_in_sight(self, monkeypatch):
        from attention import stages

        monkeypatch.setattr(stages, "apply_mask", lambda scores, mask: scores)
        assert np.isfinite(z_of(heatmaps.weights(causal()))).all()

    def test_stages_before_the_mask_show_every_cell_and_no_hatching(self):
        for stage in ("scores", "scaled"):
            figure = heatmaps.scores(causal(), stage=stage)
            assert np.isfinite(z_of(figure)).all()
            assert not figure.layout.images

    def test_hatching_lies_below_the_cells(self):
        for figure in (heatmaps.weights(causal()), heatmaps.scores(causal())):
            (image,) = figure.layout.images
            assert image.layer == "below"
            assert image.sizing == "stretch"
            assert (image.x, image.y, image.sizex, image.sizey) == (0, 1, 1, 1)

    def test_no_hatching_where_nothing_is_masked(self):
        assert not heatmaps.weights(cross()).layout.images
        assert not heatmaps.values(causal()).layout.images

    def test_a_row_that_may_attend_to_nothing_is_all_hatched(self):
        mask = torch.ones(N_Q, N_Q, dtype=torch.bool)
        mask[3] = False
        head = causal(mask=mask)
        assert np.isnan(z_of(heatmaps.weights(head))[3]).all()


class TestRanges:
    def test_weights_always_span_0_to_1(self):
        assert (heatmaps.weights(causal()).data[0].zmin, heatmaps.weights(causal()).data[0].zmax) == (0, 1)

    def test_scores_are_symmetric_around_0_from_the_finite_cells(self):
        trace = heatmaps.scores(causal()).data[0]
        assert trace.zmax == pytest.approx(np.nanmax(np.abs(z_of(heatmaps.scores(causal())))))
        assert trace.zmin == -trace.zmax

    def test_masked_cells_do_not_set_the_range(self):
        assert heatmaps.symmetric(np.array([[-np.inf, 2.0, np.nan, -1.0]]))[0] == 2.0

    def test_nothing_finite_gives_a_range_all_the_same(self):
        assert heatmaps.symmetric(np.array([[np.nan, -np.inf]])) == (1.0, "")

    def test_one_extreme_cell_is_named_and_does_not_pale_the_others(self):
        z = np.linspace(-1, 1, 400).reshape(20, 20)
        z[3, 4] = -800
        limit, note = heatmaps.symmetric(z)
        assert limit == pytest.approx(1, abs=0.05)
        assert "-800" in note


class TestSink:
    def test_its_share_is_one_more_column_to_the_right(self):
        head = causal(sink=torch.tensor([0.0, 2.0]))
        z = z_of(heatmaps.weights(head))
        assert z.shape == (N_Q, N_Q + 1)
        np.testing.assert_array_equal(z[:, -1], head.sink_weight)
        np.testing.assert_allclose(np.nansum(z, axis=1), 1, rtol=1e-6)

    def test_it_is_labelled(self):
        axis = heatmaps.weights(causal(sink=torch.tensor([0.0, 2.0]))).layout.xaxis
        assert axis.ticktext[-1] == "sink"
        assert axis.tickvals[-1] == N_Q

    def test_hatching_covers_the_real_keys_alone(self):
        (image,) = heatmaps.weights(causal(sink=torch.tensor([0.0, 2.0]))).layout.images
        assert image.sizex == pytest.approx(N_Q / (N_Q + 1))


class TestLabels:
    HOSTILE = ("<b>x</b>", "<script>", "a&b", "$x^2$", "**bold**", "😀", "قطة")

    def test_markup_is_shown_literally(self):
        figure = heatmaps.weights(causal(list(self.HOSTILE)))
        assert list(figure.layout.xaxis.ticktext)[:3] == ["&lt;b&gt;x&lt;/b&gt;", "&lt;script&gt;", "a&amp;b"]
        assert list(figure.layout.yaxis.ticktext)[3:] == ["$x^2$", "**bold**", "😀", "قطة"]

    def test_the_figures_json_holds_no_tag(self):
        axis = heatmaps.weights(causal(list(self.HOSTILE))).layout.xaxis
        assert "<" not in json.dumps(list(axis.ticktext))

    def test_many_are_thinned_evenly(self):
        axis = heatmaps.weights(causal(n=131)).layout.xaxis
        assert len(axis.ticktext) <= 48
        assert axis.ticktext[1] == f"t{axis.tickvals[1]}"

    def test_wide_letters_get_more_room(self):
        for room in (axes.label_width, axes.label_height, axes.label_overhang):
            assert room(["MMMMMM"]) > room(["tttttt"])

    def test_the_first_and_the_last_stay_though_they_reach_past_the_plot(self):
        figure = heatmaps.weights(causal(["a", "a long last one"]))
        assert figure.layout.xaxis.ticklabeloverflow == "allow"
        assert figure.layout.margin.r > 40

    def test_long_ones_are_cut(self):
        assert heatmaps.weights(causal(["a" * 40, "b"])).layout.yaxis.ticktext[0].endswith("…")


class TestChoices:
    def test_an_unknown_stage_lists_those_there_are(self):
        with pytest.raises(NoSuchHeadError, match="scores, scaled, masked"):
            heatmaps.scores(cross(), stage="capped")

    def test_an_unknown_kind_of_values_lists_those_there_are(self):
        with pytest.raises(InputError, match="output, contribution"):
            heatmaps.values(cross(), what="all")

    def test_a_contribution_that_is_not_known_says_why(self):
        with pytest.raises(InputError, match="no output projection was given"):
            heatmaps.values(cross(), what="contribution")

    def test_the_pin_outlines_its_row(self):
        (shape,) = heatmaps.weights(cross(), pin=3).layout.shapes
        assert (shape.y0, shape.y1) == (2.5, 3.5)
        assert shape.line.color == LIGHT.ink

    def test_the_dark_palette_is_used(self):
        assert heatmaps.weights(cross(), palette=DARK).data[0].colorscale == DARK.weights

    def test_hover_gives_both_tokens_and_the_number(self):
        template = heatmaps.weights(cross()).data[0].hovertemplate
        assert all(part in template for part in ("%{y}", "%{x}", "%{z"))


class TestSideBySide:
    def test_has_the_three_panels_with_titles_and_one_axis_of_labels(self):
        figure = panels(causal(), pin=2)
        assert len(figure.data) == 3
        assert [a.text for a in figure.layout.annotations if a.text.startswith("<b>")] == [
            "<b>Scores</b>", "<b>Weights</b>", "<b>Weighted values</b>",
        ]  # fmt: skip
        assert figure.layout.yaxis2.showticklabels is False
        assert {image.xref for image in figure.layout.images} == {"x domain", "x2 domain"}
        assert {shape.yref for shape in figure.layout.shapes} == {"y", "y2", "y3"}

    def test_a_panel_that_is_not_known_says_so(self):
        from attention.record import Trace

        weights = torch.full((1, 3, 3), 1 / 3)
        figure = panels(Trace.from_tensors(weights=weights).head(0, 0))
        assert len(figure.data) == 1
        assert any("Scores: " in a.text for a in figure.layout.annotations)


def test_a_sink_that_scales_the_output_has_no_column():
    parts = {name: torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(i)) for i, name in enumerate("qkv")}
    trace = Trace.from_tensors(
        query=parts["q"], key=parts["k"], value=parts["v"], causal=True, sink=torch.tensor([0.3, 0.7])
    )
    view = dataclasses.replace(trace.head(0, 1), record=dataclasses.replace(trace.record(0), sink_scales=True))
    z = heatmaps.weights(view).data[0].z
    assert z.shape == (5, 5)
    assert np.allclose(np.nansum(z, axis=1), 1, atol=1e-6)
    assert heatmaps.weights(trace.head(0, 1)).data[0].z.shape == (5, 6)


def test_a_dotted_line_stands_where_sentence_b_begins():
    plain = causal(["a", "b", "c", "d"])
    second = tuple(dataclasses.replace(token, segment=int(i >= 3)) for i, token in enumerate(plain.trace.tokens))
    pair = dataclasses.replace(plain, trace=dataclasses.replace(plain.trace, tokens=second))
    drawn = (heatmaps.scores, heatmaps.weights, heatmaps.values)
    assert not any(draw(plain).layout.shapes for draw in drawn)
    rows_and_columns = [[(s.x0, s.x1, s.y0, s.y1) for s in draw(pair).layout.shapes] for draw in drawn]
    assert rows_and_columns[0] == rows_and_columns[1] == [(0, 1, 2.5, 2.5), (2.5, 2.5, 0, 1)]
    assert rows_and_columns[2] == [(0, 1, 2.5, 2.5)]
    shapes = panels(pair).layout.shapes
    assert [(s.xref, s.yref) for s in shapes] == [
        ("x domain", "y"), ("x", "y domain"), ("x2 domain", "y2"), ("x2", "y2 domain"), ("x3 domain", "y3")
    ]  # fmt: skip


class TestNorms:
    """What each key brings, by the bundled storyteller, against the definition written out."""

    @staticmethod
    def brought() -> tuple[HeadView, np.ndarray]:
        head = attention.trace("storyteller", "The old king came home. The old king").head(2, 1)
        width, n = head.value.shape[1], len(head.key_tokens)
        alone = torch.zeros(n, head.record.n_heads * width)
        alone[:, head.head * width : (head.head + 1) * width] = torch.from_numpy(head.value.copy())
        lengths = head.record.projection(alone).norm(dim=-1).numpy()
        return head, head.weights * lengths

    def test_shares_and_differences_are_those_of_the_definition(self):
        head, norms = self.brought()
        shares = norms / norms.sum(-1, keepdims=True)
        open_ = ~heatmaps.closed(head)
        np.testing.assert_allclose(z_of(heatmaps.norms(head))[open_], shares[open_], atol=1e-6)
        difference = z_of(heatmaps.norms(head, what="difference"))
        np.testing.assert_allclose(difference[open_], (shares - head.weights)[open_], atol=1e-6)
        assert np.isnan(difference[~open_]).all()

    def test_the_difference_is_centred_on_nought(self):
        head, _ = self.brought()
        trace = heatmaps.norms(head, what="difference").data[0]
        assert trace.zmin == -trace.zmax
        assert trace.meta["scale"] == "scores"
        assert heatmaps.norms(head).data[0].meta["scale"] == "weights"

    def test_where_it_cannot_be_told_the_reason_is_said(self):
        with pytest.raises(InputError, match="What each key brings cannot be told: "):
            heatmaps.norms(causal())
        with pytest.raises(InputError, match="must be one of norms, difference"):
            heatmaps.norms(causal(), what="weights")

    def test_in_words(self):
        head, norms = self.brought()
        best = int(norms[5].argmax())
        said = alt.norms(head, 5, what="norms")
        assert f"{norms[5][best] / norms[5].sum():.4f} of all" in said
        assert f"with a weight of {head.weights[5][best]:.4f}" in said
        assert "cannot be told" in alt.norms(causal(), 0, what="norms")
