import itertools

import pytest

from attention.figures.oklab import from_oklab, ramp, to_oklab
from attention.figures.palette import DARK, LIGHT, THEMES

BOTH = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda p: p.name)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def steps(scale):
    return [to_oklab(colour)[0] for _, colour in scale]


@BOTH
def test_weights_are_even_in_lightness(palette):
    gaps = [b - a for a, b in itertools.pairwise(steps(palette.weights))]
    assert max(map(abs, gaps)) < 1.25 * min(map(abs, gaps))
    assert len({gap > 0 for gap in gaps}) == 1


@BOTH
@pytest.mark.parametrize("name", ["scores", "values"])
def test_diverging_scales_leave_the_middle_evenly_on_both_sides(palette, name):
    scale = palette.scale(name)
    middle = len(scale) // 2
    assert scale[middle][0] == 0.5
    for arm in (steps(scale)[: middle + 1], steps(scale)[middle:]):
        assert len({b > a for a, b in itertools.pairwise(arm)}) == 1


@BOTH
def test_text_reads_on_every_ground(palette):
    for ground in (palette.paper, palette.card, palette.chip):
        for ink in (palette.ink, palette.muted):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    for role in (palette.query, palette.key, palette.value, palette.good, palette.bad):
        assert contrast(role, palette.paper) >= 4.5
        assert contrast(role, palette.card) >= 4.5


@BOTH
def test_zero_weight_looks_like_paper_and_one_does_not(palette):
    assert contrast(palette.weights[0][1], palette.paper) < 1.2
    assert contrast(palette.weights[-1][1], palette.paper) > 9


def test_themes_are_named_as_themselves():
    assert {name: palette.name for name, palette in THEMES.items()} == {"light": "light", "dark": "dark"}


def test_oklab_goes_there_and_back():
    for colour in ("#000000", "#ffffff", "#3d1a6e", "#0b5cad", "#12ab9f"):
        assert from_oklab(to_oklab(colour)) == colour


def test_a_ramp_keeps_its_ends():
    assert ramp(("#ffffff", "#7d55ab", "#000000"), 5)[:: 4] == ["#ffffff", "#000000"]
