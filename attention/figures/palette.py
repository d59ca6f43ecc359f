"""Headlight's colours, for both themes: what a colour means, and it means the same everywhere.

Queries are blue, keys orange, values green. Weights, and whatever is made of weights, are purple: sequential, from
paper to deep. Scores run from orange to purple and values from brown to green, both diverging around 0. The hues are
those of ColorBrewer's colour-blind safe PuOr and BrBG; between the anchors each ramp is even in OKLab lightness.
"""

from dataclasses import dataclass

from attention.figures.oklab import ramp

Scale = tuple[tuple[float, str], ...]
STEPS = 17


@dataclass(frozen=True, kw_only=True)
class Palette:
    """One theme's colours. `weights`, `scores`, `values` are plotly colour scales of (position, colour)."""

    name: str
    paper: str
    card: str
    chip: str
    line: str
    ink: str
    muted: str
    query: str
    key: str
    value: str
    good: str
    bad: str
    amber: str
    weights: Scale
    scores: Scale
    values: Scale

    def scale(self, name: str) -> Scale:
        """The colour scale `weights`, `scores` or `values`."""
        scales = {"weights": self.weights, "scores": self.scores, "values": self.values}
        return scales[name]


def _sequential(*anchors: str) -> Scale:
    colours = ramp(anchors, STEPS)
    return tuple((step / (STEPS - 1), colour) for step, colour in enumerate(colours))


def _diverging(low: tuple[str, ...], middle: str, high: tuple[str, ...]) -> Scale:
    """Each arm is a ramp of its own, so that both leave the middle at the same pace."""
    half = STEPS // 2 + 1
    down, up = ramp((*low, middle), half), ramp((middle, *high), half)
    colours = [*down, *up[1:]]
    return tuple((step / (len(colours) - 1), colour) for step, colour in enumerate(colours))


LIGHT = Palette(
    name="light",
    paper="#fbfaf6",
    card="#ffffff",
    chip="#f2f0e9",
    line="#e4e1d8",
    ink="#17161a",
    muted="#68645c",
    query="#0b5cad",
    key="#a84e00",
    value="#0a6e55",
    good="#06704f",
    bad="#a8231c",
    amber="#f5a623",
    weights=_sequential("#f5f3ef", "#c3b1dc", "#7d55ab", "#3d1a6e"),
    scores=_diverging(("#a44f00", "#ec9f4c"), "#f5f3ef", ("#a58fcd", "#4f2b8a")),
    values=_diverging(("#7d4d08", "#cfa35b"), "#f5f4ef", ("#6cbcae", "#04645a")),
)

DARK = Palette(
    name="dark",
    paper="#131416",
    card="#1c1d20",
    chip="#25262a",
    line="#303136",
    ink="#f1eee7",
    muted="#a19c93",
    query="#6fb2f5",
    key="#f2a457",
    value="#4fcca6",
    good="#4fcca6",
    bad="#ff8a7a",
    amber="#ffb938",
    weights=_sequential("#1f2026", "#4d377c", "#9370d8", "#eee6ff"),
    scores=_diverging(("#f3a95a", "#8f571c"), "#222328", ("#6a4db0", "#c3abf7")),
    values=_diverging(("#dfb067", "#7d5a24"), "#222427", ("#23766a", "#6fd8c2")),
)

THEMES = {"light": LIGHT, "dark": DARK}
