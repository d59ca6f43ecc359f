"""Answers of lesson 1, by numpy."""

from typing import Any

import numpy as np

Given = dict[str, Any]


def steps_apart(given: Given) -> float:
    # Powers of the chain's adjacency matrix: the first that joins the two places.
    step = np.eye(given["n"], k=1, dtype=int)
    reached, count = np.eye(given["n"], dtype=int), 0
    while not reached[given["from"] - 1, given["to"] - 1]:
        reached, count = reached @ step, count + 1
    return count


def fewer_operations(given: Given) -> int:
    return 0 if given["n"] < given["d"] else 1


def weighted_mean(given: Given) -> float:
    return float(np.average([given["x"], given["y"], given["z"]], weights=[given["w_a"], given["w_b"], given["w_c"]]))


def word_changed(given: Given) -> int:
    if given["layer"] != "self-attention":
        return 1
    scores = given["first"] * np.array([[given["first"], given["before"]], [given["first"], given["after"]]])
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return 1 if np.array_equal(weights[0], weights[1]) else 0


def map_size(given: Given) -> float:
    queries = given["source"] if given["kind"].endswith("encoder") else given["target"]
    keys = given["target"] if given["kind"].endswith("decoder") else given["source"]
    return float(np.ones((queries, 3)).dot(np.ones((3, keys))).size)
