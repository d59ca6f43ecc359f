import numpy as np
import pytest
import torch

from attention.record import Trace
from tests.figures.heads import D_HEAD, N_K, causal, cross, tensors
from tests.oracles.arithmetic import arithmetic


def test_every_column_against_numpy():
    head, query = cross(), 3
    row = arithmetic(head, query)
    q, k, v = (tensors()[name][1].numpy().astype(np.float64) for name in ("query", "key", "value"))
    scores = k @ q[query]
    scaled = scores / np.sqrt(D_HEAD)
    exps = np.exp(scaled - scaled.max())
    weights = exps / exps.sum()
    expected = {
        "scores": scores, "scaled": scaled, "exp": exps, "weight": weights, "length": np.linalg.norm(v, axis=1),
        "share": weights * np.linalg.norm(v, axis=1),
    }  # fmt: skip
    assert [column.name for column in row.columns] == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(row.column(name), values, rtol=2e-5, atol=1e-6, err_msg=name)
    assert row.total == pytest.approx(exps.sum(), rel=1e-5)
    assert row.weight_sum == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(row.output, weights @ v, rtol=2e-5, atol=1e-6)


def test_exp_over_total_is_the_weight():
    row = arithmetic(causal(), 5)
    np.testing.assert_allclose(row.column("exp") / row.total, row.column("weight"), atol=1e-7)


def test_keys_come_by_falling_weight_and_masked_ones_last():
    row = arithmetic(causal(), 3)
    assert sorted(row.order) == list(range(7))
    assert list(row.order[4:]) == [4, 5, 6]
    assert (np.diff(row.column("weight")[row.order[:4]]) <= 0).all()
    assert not row.column("exp")[4:].any()


def test_a_sink_takes_its_part_of_the_total():
    head = causal(sink=torch.tensor([0.0, 1.5]))
    row = arithmetic(head, 2)
    assert row.sink_part / row.total == pytest.approx(row.sink_weight, rel=1e-5)
    assert row.weight_sum + row.sink_weight == pytest.approx(1, abs=1e-6)


def test_softcap_and_bias_have_columns_of_their_own():
    given = tensors()
    bias = torch.arange(2 * 7 * N_K).reshape(2, 7, N_K) / 10
    trace = Trace.from_tensors(**given, softcap=3.0, position_bias=bias)
    row = arithmetic(trace.head(0, 1), 4)
    titles = [(c.name, c.title) for c in row.columns][2:5]
    assert titles == [("softcapped", "3·tanh(s/3)"), ("bias", "+ bias"), ("biased", "= sum")]
    np.testing.assert_array_equal(row.column("bias"), bias[1, 4].numpy())
    np.testing.assert_allclose(row.column("softcapped"), 3 * np.tanh(row.column("scaled") / 3), rtol=1e-5)
    np.testing.assert_allclose(row.column("biased"), row.column("softcapped") + row.column("bias"), rtol=1e-5)


def test_no_bias_has_no_column():
    assert "bias" not in [column.name for column in arithmetic(cross(), 1).columns]


def test_a_row_that_may_attend_to_nothing_is_zeros():
    mask = torch.ones(7, 7, dtype=torch.bool)
    mask[3] = False
    row = arithmetic(causal(mask=mask), 3)
    assert (row.top, row.total, row.weight_sum) == (None, 0.0, 0.0)
    assert not row.column("weight").any()


def test_weights_alone_still_make_a_row():
    trace = Trace.from_tensors(weights=torch.full((1, 3, 3), 1 / 3))
    row = arithmetic(trace.head(0, 0), 1)
    assert [column.name for column in row.columns] == ["weight"]
    assert row.total is None
