import numpy as np

from attention.figures import alt
from tests.figures.heads import causal, cross


def test_weights_name_the_top_key_and_its_number():
    head = cross()
    best = int(head.weights[4].argmax())
    assert f"“q4” has the largest weight for “k{best}”: {head.weights[4][best]:.4f}." in alt.weights(head, 4)


def test_scores_never_name_a_masked_key():
    head = causal()
    said = f"“t0”: {head.masked[0][0]:.4g}. Masked: {head.record.n_k - 1} of {head.record.n_k} keys, because "
    assert alt.scores(head, 0).endswith(f"{said}the query comes before them.")
    assert alt.weights(head, 0).endswith("because the query comes before them.")
    assert alt.scores(head, 0, stage="scores").endswith(f"{head.scores[0].max():.4g}.")
    assert "Masked" not in alt.weights(head, head.record.n_q - 1)


def test_values_give_length_and_largest_dimension():
    head = cross()
    row = head.output[2]
    said = alt.values(head, 2)
    assert f"length {np.linalg.norm(row):.4g}" in said
    assert f"dimension {np.abs(row).argmax()}" in said


def test_what_is_not_known_is_said():
    assert "not known" in alt.values(cross(), 0, what="contribution")
