"""Even steps between colours: sRGB ↔ OKLab (Ottosson 2020), where equal distances look equal."""

from collections.abc import Sequence
from itertools import pairwise

Triple = tuple[float, float, float]

_TO_LMS = ((0.4122214708, 0.5363325363, 0.0514459929),
           (0.2119034982, 0.6806995451, 0.1073969566),
           (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
_TO_LAB = ((0.2104542553, 0.7936177850, -0.0040720468),
           (1.9779984951, -2.4285922050, 0.4505937099),
           (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
_FROM_LAB = ((1.0, 0.3963377774, 0.2158037573),
             (1.0, -0.1055613458, -0.0638541728),
             (1.0, -0.0894841775, -1.2914855480))  # fmt: skip
_FROM_LMS = ((4.0767416621, -3.3077115913, 0.2309699292),
             (-1.2684380046, 2.6097574011, -0.3413193965),
             (-0.0041960863, -0.7034186147, 1.7076147010))  # fmt: skip


def ramp(anchors: Sequence[str], steps: int) -> list[str]:
    """`steps` colours through the anchors, with OKLab lightness falling or rising evenly from first to last."""
    points = [to_oklab(anchor) for anchor in anchors]
    first, last = points[0][0], points[-1][0]
    wanted = [first + (last - first) * step / (steps - 1) for step in range(steps)]
    return [from_oklab(_at_lightness(points, light)) for light in wanted]


def to_oklab(colour: str) -> Triple:
    """Lightness in 0..1 and the two colour axes of "#rrggbb"."""
    channels = tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = _triple([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels])
    roots = _triple([part ** (1 / 3) for part in _times(_TO_LMS, linear)])
    return _times(_TO_LAB, roots)


def from_oklab(lab: Triple) -> str:
    """The nearest "#rrggbb"."""
    cubes = _triple([part**3 for part in _times(_FROM_LAB, lab)])
    linear = [min(1.0, max(0.0, part)) for part in _times(_FROM_LMS, cubes)]
    channels = [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in linear]
    return "#" + "".join(f"{round(255 * c):02x}" for c in channels)


def _at_lightness(points: Sequence[Triple], light: float) -> Triple:
    """The place on the anchors' path with that lightness; their lightness must be monotonic."""
    for start, stop in pairwise(points):
        low, high = sorted((start[0], stop[0]))
        if low <= light <= high and high > low:
            share = (light - start[0]) / (stop[0] - start[0])
            return _triple([a + share * (b - a) for a, b in zip(start, stop, strict=True)])
    return min(points, key=lambda point: abs(point[0] - light))


def _times(matrix: Sequence[Triple], vector: Triple) -> Triple:
    return _triple([sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix])


def _triple(values: Sequence[float]) -> Triple:
    first, second, third = values
    return (first, second, third)
