"""Queries against keys: the dot product, and what divides it."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import SEED
from attention.lessons.kinds.sorts import decimal, whole, yes
from attention.table import choice, number

KINDS: tuple[Kind, ...] = (
    Kind(
        name="angle",
        help="a query and two keys on a plane, and their scores",
        settings={
            "first_length": setting(1.0, number(0, 3), "length of the first key"),
            "first_angle": setting(0.0, decimal(-180, 180), "its angle to the query, in degrees"),
            "second_length": setting(3.0, number(0, 3), "length of the second key"),
            "second_angle": setting(60.0, decimal(-180, 180), "its angle to the query, in degrees"),
        },
        facts={
            "first": "the score of the first key",
            "second": "the score of the second key",
            "first_cosine": "the cosine of the first angle",
            "second_cosine": "the cosine of the second angle",
            "winner": "0 where the first key scores higher, 1 where the second does, 2 where both are equal",
        },
    ),
    Kind(
        name="divisors",
        help="the spread of scores after each of four divisions",
        settings={
            "d": setting(512, whole(64, 1024), "d_model"),
            "heads": setting(8, whole(1, 16), "how many heads"),
            "seed": SEED,
        },
        facts={
            "width": "the head's width, d_k",
            "nothing": "the spread without a division",
            "root": "after ÷ √d_k",
            "model_root": "after ÷ √d_model",
            "closest": "which is closest to 1: ÷ 1, √d_k, d_k or √d_model, from 0",
            "error": "how far dividing the query first is from dividing the score",
        },
    ),
    Kind(
        name="rules",
        help="what the paper, T5 and Gemma 2 make of one q·k, in a head of width 128",
        settings={"product": setting(600.0, number(-1500, 1500), "q·k")},
        facts={
            "product": "q·k",
            "root": "what the paper's rule makes of it, ÷ √128",
            "plain": "T5's, which does not divide",
            "divided": "Gemma 2 27B's before its cap, ÷ √144",
            "capped": "Gemma 2 27B's, capped at 50",
        },
    ),
    Kind(
        name="saturation",
        help="the softmax over random keys as they grow longer, with and without the scale",
        settings={
            "d": setting(64, whole(4, 1024), "d_k: 4, 16, 64, 256 or 1024"),
            "measure": setting("top", choice(("top", "entropy", "slope")), "what is shown"),
            "seed": SEED,
        },
        facts={
            "top": "the mean largest weight without the scale",
            "scaled_top": "the same with it",
            "entropy": "the mean entropy without the scale, in nats",
            "scaled_entropy": "the same with it",
            "slope": "the mean answer to a change of the scores without the scale",
            "scaled_slope": "the same with it",
            "first_top": "the mean largest weight at d_k = 4, without the scale",
            "last_top": "the same at d_k = 1024",
            "last_scaled_top": "the same with the scale",
            "trend": "whether the largest weight grows (0), shrinks (1) or stays (2) as d_k grows, without the scale",
            "scaled_trend": "the same with it",
            "uniform": "the entropy of even weights",
        },
    ),
    Kind(
        name="variance",
        help="the spread of scores of random queries and keys as they grow longer",
        settings={
            "d": setting(64, whole(4, 1024), "d_k: 4, 16, 64, 256 or 1024"),
            "mean": setting(0.0, decimal(-2, 2), "the mean of every number"),
            "mean_control": setting(False, yes(), "yes: the mean can be changed"),
            "seed": SEED,
        },
        facts={
            "d": "d_k",
            "std": "the measured standard deviation of q·k",
            "expected": "the expected one",
            "scaled": "the measured one after ÷ √d_k",
            "root": "√d_k",
            "mean": "the measured mean of q·k",
            "expected_mean": "the expected mean",
            "ends": "the spread at d_k = 1024 divided by that at 4",
        },
    ),
)
