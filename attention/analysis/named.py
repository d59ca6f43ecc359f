"""The table of nameable things that a head may do: what is counted, by whose definition, and where it makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from attention.errors import InputError

if TYPE_CHECKING:
    from attention.record import Kind

# With one or two keys to look at a head cannot help scoring: a query counts from this many on. In a decoder that leaves
# out the first two rows.
LEAST_KEYS = 3
# How far a head must go from an even spread (0) to nothing else (1) to be given a name.
NAMED = 0.4
# How far a local window reaches: the query itself and up to this many tokens before it, and after it in an encoder.
REACH = 3

Measure = Literal["share", "window", "spread", "logit"]
SELF: tuple[Kind, ...] = ("encoder", "decoder")
ALL: tuple[Kind, ...] = ("encoder", "decoder", "cross")
TWO_TEXTS = "queries and keys are two texts, whose places do not compare"
OTHER_KEYS = "the keys are not the queries' own tokens"
FORWARDS = "it is defined for models that read forwards"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A nameable thing that a head may do.

    says: what is counted, in a sentence. source: where the definition is from. kinds: of attention in which it makes
    sense. nothing: why a text may have no query that it asks of. measure: `share`, mean weight on the wanted keys, over
    the queries that have any and could also look elsewhere; `window`, that times how evenly it falls, on average over
    the queries, on the places in the window; `spread`, entropy over ln(keys); `logit`, a difference of logits.
    least_keys: queries that may look at fewer keys do not count.
    """

    name: str
    title: str
    says: str
    source: str
    kinds: tuple[Kind, ...] = SELF
    nothing: str = "this text is too short for it"
    measure: Measure = "share"
    least_keys: int = LEAST_KEYS


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="previous token",
        title="Previous token",
        says="Weight on the token just before the query.",
        source="Voita et al. 2019, “positional heads”; Clark et al. 2019, section 3.1",
    ),
    Pattern(
        name="next token",
        title="Next token",
        says="Weight on the token just after the query.",
        source="Voita et al. 2019, “positional heads”; Clark et al. 2019, section 3.1",
        nothing="no query may look ahead here",
    ),
    Pattern(
        name="first token",
        title="First token",
        says="Weight on the first token, where heads often rest that have nothing to look for.",
        source="Xiao et al. 2023, “attention sinks”",
        kinds=ALL,
    ),
    Pattern(
        name="separator",
        title="Separators",
        says="Weight on special tokens such as [SEP] or </s>, but not on the first token and not on the query itself.",
        source="Clark et al. 2019, section 3.2",
        kinds=ALL,
        nothing="there is no special token to look at behind the first token",
    ),
    Pattern(
        name="punctuation",
        title="Punctuation",
        says="Weight on tokens of punctuation alone, other than the query itself.",
        source="Clark et al. 2019, section 3.2 (there: commas and full stops)",
        kinds=ALL,
        nothing="there is no punctuation to look at",
    ),
    Pattern(
        name="self",
        title="Itself",
        says="Weight on the query's own token.",
        source="Clark et al. 2019, section 3.1",
    ),
    Pattern(
        name="duplicate token",
        title="Duplicate token",
        says="Weight on other places of the same word, whatever its case; in a decoder, on earlier ones.",
        source="Wang et al. 2022, “duplicate token heads”",
        nothing="no token comes twice",
    ),
    Pattern(
        name="induction",
        title="Induction: prefix matching",
        says="Weight on the tokens that followed earlier places of the query's own token.",
        source="Olsson et al. 2022, “prefix matching”",
        kinds=("decoder",),
        nothing="no token comes a second time with something else in between",
    ),
    Pattern(
        name="copying",
        title="Induction: copying",
        says="What the head itself adds to the logit of the token that prefix matching looks at, above what it adds to "
        "all tokens on average, with the last norm's scale held as it was.",
        source="Olsson et al. 2022, “copying”; Elhage et al. 2021, direct path",
        kinds=("decoder",),
        nothing="it is measured on the stored random sequences only",
        measure="logit",
    ),
    Pattern(
        name="local window",
        title="Local window",
        says=f"Weight on the query and the {REACH} tokens before it (in an encoder, also the {REACH} after it), times "
        "how evenly it falls on these places over the whole text: a head for the one before alone gets 0.",
        source="our own definition; evenness is entropy, as in Clark et al. 2019, section 3.3",
        measure="window",
    ),
    Pattern(
        name="uniform",
        title="Uniform",
        says="How evenly the weight is spread over all that the query may look at: entropy over its largest value.",
        source="Clark et al. 2019, section 3.3 (entropy)",
        kinds=ALL,
        measure="spread",
    ),
)
NAMES = tuple(pattern.name for pattern in PATTERNS)
_BY_NAME = {pattern.name: pattern for pattern in PATTERNS}
# Those that can be read off weights; copying needs the model.
COUNTED = tuple(pattern for pattern in PATTERNS if pattern.measure != "logit")


def pattern_of(name: str) -> Pattern:
    """The pattern of that name; raises InputError that lists them."""
    if name not in _BY_NAME:
        raise InputError(f"There is no pattern {name!r}; there are: {', '.join(NAMES)}.")
    return _BY_NAME[name]
