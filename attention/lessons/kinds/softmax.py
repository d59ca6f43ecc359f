"""From scores to weights."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.sorts import decimal, names, numbers, whole, yes
from attention.table import choice, number

KINDS: tuple[Kind, ...] = (
    Kind(
        name="dilution",
        help="one key ahead of all others, among more and more of them",
        settings={
            "gap": setting(5.0, number(0, 12), "by how much it is ahead"),
            "n": setting(10, whole(2, 100_000), "how many tokens"),
        },
        facts={
            "weight": "what it weighs",
            "at_ten": "what it weighs among 10",
            "at_hundred": "among 100",
            "at_thousand": "among 1,000",
            "at_ten_thousand": "among 10,000",
            "needed": "by how much it would have to be ahead to hold half of the row",
        },
    ),
    Kind(
        name="slope",
        drawn_by="softmaxslope",
        help="how much weights move when a score does",
        settings={"score": setting(0.5, decimal(-8, 8), "the first score")},
        facts={
            "weight": "the first weight",
            "own": "how much it moves with its own score",
            "cross": "how much it moves with the second score",
            "steepest": "at which of the weights 0.1, 0.5 and 0.9 the slope is largest, from 0",
            "at_tenth": "the slope at 0.1",
            "at_half": "the slope at 0.5",
        },
    ),
    Kind(
        name="softmax",
        help="scores that can be typed, and every step to their weights",
        settings={
            "scores": setting((2.0, 1.0, -1.0), numbers(-1_000_000, 1_000_000), "the scores at first"),
            "temperature": setting(1.0, number(0.1, 10), "what they are divided by"),
            "shift": setting(0, whole(0, 10_000), "what is added to every score: 0 or a power of 10"),
            "sink": setting(False, yes(), "yes: one more score of 0 takes its share"),
            "controls": setting((), names(("temperature", "shift", "sink")), "what can be changed beside the scores"),
            "rows": setting(
                ("score", "lowered", "exp", "weight"),
                names(("score", "tempered", "lowered", "exp", "plain", "naive", "weight")),
                "which steps are shown",
            ),
            "says": setting("steps", choice(("steps", "temperature", "shift", "sink")), "what the sentence is about"),
        },
        facts={
            "top": "the largest weight",
            "top_name": "whose it is",
            "gap": "by how much its score is ahead of the next",
            "ratio": "how many times the next weight it is",
            "total": "what the tokens' weights sum to",
            "nothing": "what goes to the score of 0",
            "entropy": "the entropy, in nats",
            "top_at_one": "the largest weight at a temperature of 1",
            "against_one": "whether the row is flatter (0) than at a temperature of 1, sharper (1), or the same (2)",
            "first": "the first weight",
            "plain_first": "the first score divided by the sum of all",
            "plain_fits": "0 where scores divided by their sum lie between 0 and 1, 1 where they do not",
            "naive_fails": "0 where float32 gives numbers without taking the largest away, 1 where it gives NaN",
        },
    ),
)
