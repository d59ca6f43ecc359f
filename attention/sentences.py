"""What ran and what was checked, in words: of a model, of a run, of a head. No Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attention.catalogue import find

if TYPE_CHECKING:
    from attention.analysis.pairs import Between, Link
    from attention.record import Fidelity, HeadError, Kind, ModelFacts, Token, Trace

NO_SUCH_LOSS = "Training rewards what helps the model’s task, not that related words look at each other."
UNTRAINED_HEAD = "This layer is not trained."
UNTRAINED = "not trained: random weights show the arithmetic, not meaning"


def title(model: ModelFacts) -> str:
    """The model's name as the picker has it."""
    entry = find(model.name)
    return entry.title if entry else model.name


def trained(model: ModelFacts) -> str:
    """Whether the weights were trained, in one word or two."""
    return {True: "trained", False: "not trained", None: "training unknown"}[model.trained]


def size(model: ModelFacts) -> str:
    """Layers × heads, with key-value heads where they are fewer."""
    if model.n_layers is None or model.n_heads is None:
        return ""
    layers = f"{model.n_layers} layer{'' if model.n_layers == 1 else 's'}"
    if model.n_decoder_layers is not None:
        layers = f"{model.n_layers} + {model.n_decoder_layers} layers"
    fewer = model.n_kv_heads and model.n_kv_heads != model.n_heads
    return f"{layers} × {model.n_heads} heads" + (f" ({model.n_kv_heads} for keys and values)" if fewer else "")


def facts(trace: Trace) -> list[str]:
    """Model, sizes, tokens and time, each in a few words."""
    model = trace.model
    state = UNTRAINED if model.trained is False else trained(model)
    tokens = f"{len(trace.tokens)} token{'' if len(trace.tokens) == 1 else 's'}"
    tokens += f" and {len(trace.pair_tokens)}" if trace.pair_tokens else ""
    found = [
        title(model), size(model), *_widths(model), tokens, f"traced in {_duration(trace.seconds)}", model.dtype, state,
    ]  # fmt: skip
    return [part for part in found if part]


def head_check(error: HeadError) -> tuple[bool | None, str]:
    """(whether the head's check holds, None where nothing could be compared; the sentence that says so)."""
    if not error.parts:
        return None, f"This head could not be checked: {'; '.join(error.unchecked) or 'nothing to compare with'}."
    what = _and([name for name in ("weights", "output") if name in error.parts] or list(error.parts))
    if not error.ok:
        worst = error.parts[error.worst]
        return False, (
            f"Do not trust this head: its {error.worst} {_differ(error.worst)} from {error.against} by "
            f"{worst.relative:.1e} of the largest magnitude; {worst.allowed:.0e} is allowed."
        )
    left = f" ({'; '.join(error.unchecked)})" if error.unchecked else ""
    verb = "equal" if " and " in what or what.endswith("s") else "equals"
    sums = "; the heads add up" if "contributions" in error.parts else ""
    return True, f"{what} {verb} {error.against} {_within(error.relative)}{sums}{left}"


def run_check(fidelity: Fidelity | None) -> tuple[bool | None, str]:
    """(whether the traced run equals an untouched one, None where it was not compared; the sentence)."""
    if fidelity is None:
        return None, "the run was not compared with an untouched one"
    if fidelity.edited:
        return _edited_check(fidelity)
    layer = fidelity.of.startswith("output of ")
    if not fidelity.ok:
        compared = f"its result and the {fidelity.of}" if layer else f"its {fidelity.of} and an untouched run’s"
        return False, (
            f"Do not trust this run: {compared} differ by {fidelity.relative:.1e} of the largest magnitude; "
            f"{fidelity.tolerance:.0e} is allowed."
        )
    if layer:
        return True, f"the layer’s result equals the {fidelity.of} {_within(fidelity.relative)}"
    verb = "equal" if fidelity.of.endswith("s") else "equals"
    return True, f"the traced run’s {fidelity.of} {verb} an untouched run’s {_within(fidelity.relative)}"


def _edited_check(fidelity: Fidelity) -> tuple[bool | None, str]:
    """The same of an edited run, which was made twice."""
    if fidelity.reason:
        return None, f"the edited run was not compared with a second one: {fidelity.reason}"
    if not fidelity.ok:
        return False, (
            f"Do not trust this edited run: its {fidelity.of} and those of a second run with the same edits, made "
            f"by other code, differ by {fidelity.relative:.1e} of the largest magnitude; "
            f"{fidelity.tolerance:.0e} is allowed."
        )
    verb = "equal those" if fidelity.of.endswith("s") else "equals that"
    return True, (
        f"the edited run’s {fidelity.of} {verb} of a second run with the same edits, made by other code in "
        f"{fidelity.seconds:.2f} s, {_within(fidelity.relative)}"
    )


def related(trace: Trace, words: tuple[str, str], kind: Kind | None = None) -> str:
    """What two words that are often said to score high together take of each other in this very run, at most, beside
    what an even look would give; "" where not both are tokens of it.
    """
    kind = trace.default_kind if kind is None else kind
    tokens = trace.query_tokens(kind)
    places = [_place(tokens, word) for word in words]
    if kind == "cross" or None in places:
        return ""
    found = [way for way in _ways(trace, kind, *places) if way.by("weight")]  # type: ignore[arg-type]
    if not found:
        return f"“{words[0]}” and “{words[1]}” may not look at each other here."
    best = max(found, key=lambda way: way.by("weight")[0].weight)
    link = best.by("weight")[0]
    query, key = tokens[best.query].text, tokens[best.key].text
    is_clear = _is_clear(link)
    seen = "a head shows it" if is_clear else "no head shows it clearly"
    most = f"“{query}” takes at most {link.weight:.2f} of “{key}” (layer {link.layer}, head {link.head})"
    one_way = "" if len(found) == 2 else f" “{key}” may not look at “{query}”."
    why = _not_alone(trace, best, link) if is_clear else NO_SUCH_LOSS
    if trace.model.trained is False:
        why = UNTRAINED_HEAD
    return (
        f"“{words[0]}” and “{words[1]}” are often said to score high together. Here {seen}: {most}, an even look "
        f"{link.even:.2f}.{one_way} {why}"
    )


def _not_alone(trace: Trace, best: Between, link: Link) -> str:
    """How many other tokens take most of that key in that head: where many do, it is not about this query."""
    weights = trace.head(link.layer, link.head, best.kind).weights[:, best.key]
    rows = trace.head(link.layer, link.head, best.kind).weights
    others = [row for row in range(len(rows)) if row not in (best.query, best.key) and weights[row] > 0]
    most = sum(int(rows[row].argmax()) == best.key for row in others)
    key = trace.key_tokens(best.kind)[best.key].text
    return f"So do {most} of the {len(others)} other tokens that look at “{key}”: it is their largest weight too."


def _ways(trace: Trace, kind: Kind, one: int, other: int) -> tuple[Between, Between]:
    from attention.analysis.pairs import between

    return tuple(between(trace, *places, kind, sized=False) for places in ((one, other), (other, one)))  # type: ignore[return-value]


def _is_clear(link: Link) -> bool:
    """Whether a head goes as far beyond an even look as it must to be given a name."""
    from attention.analysis.named import NAMED

    return link.even < 1 and (link.weight - link.even) / (1 - link.even) >= NAMED


def _place(tokens: tuple[Token, ...], word: str) -> int | None:
    """The last token that reads so."""
    return next((place for place in reversed(range(len(tokens))) if tokens[place].text == word), None)


def _widths(model: ModelFacts) -> list[str]:
    named = {"d_model": model.d_model, "d_head": model.d_head}
    found = [f"{name} {value}" for name, value in named.items() if value is not None]
    return found + ([] if model.n_parameters is None else [f"{count(model.n_parameters)} parameters"])


def count(number: int) -> str:
    """A count as people say it: 16,384, 124 M, 1.1 B."""
    for unit, name in ((1e9, " B"), (1e6, " M")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:,}"


def _within(number: float) -> str:
    """A tiny difference in one digit, rounded up, so that the sentence stays true."""
    if number == 0:
        return "exactly"
    mantissa, exponent = f"{number:.6e}".split("e")
    digit = -int(-float(mantissa) // 1)
    return f"within 1e{int(exponent) + 1}" if digit == 10 else f"within {digit}e{int(exponent)}"


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _differ(part: str) -> str:
    """The verb of "weights" and "contributions", or of "output"."""
    return "differ" if part.endswith("s") else "differs"
