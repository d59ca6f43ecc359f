"""Numbers from a hash: what a hash owes, and that they stay as they are. The browser's are held beside them in
`tests/chromium/test_local_js.py`.
"""

import numpy as np
import pytest

from attention import hashing


def test_the_numbers_stay_as_they_are() -> None:
    """Links and files show numbers that are made of these."""
    assert hashing.number_of("word", "the") == 3172769429
    assert hashing.number_of() == 0
    key = hashing.number_of("query", 2017)
    assert (hashing.uniform(key, 3) * 2**32).tolist() == [3847172238.0, 3304342168.0, 3913483223.0]
    assert hashing.normal(key, 2).tolist() == [0.4748143998440355, 0.4731492737773806]


def test_every_part_and_its_place_count() -> None:
    given: list[tuple[str | int, ...]] = [
        ("a", "b"), ("b", "a"), ("ab",), ("ab", ""), ("", "ab"), ("a", 98), (97, 98), (97, "b"), (2, 1, 97), ("a",),
    ]  # fmt: skip
    assert len({hashing.number_of(*parts) for parts in given}) == len(given)


def test_the_mixing_is_one_to_one_and_every_bit_counts() -> None:
    values = np.arange(2**16, dtype=np.uint32)
    mixed = hashing._all_mixed(values)
    assert len(np.unique(mixed)) == len(values)
    assert [hashing._mixed(int(value)) for value in values[:500]] == mixed[:500].tolist()
    for bit in range(32):
        changed = mixed[:4096] ^ hashing._all_mixed(values[:4096] ^ np.uint32(1 << bit))
        share = np.unpackbits(changed.view(np.uint8)).mean()
        assert 0.45 < share < 0.55, bit


@pytest.mark.parametrize("key", [0, 1, 2017, 2**32 - 1])
def test_uniform_numbers_are_uniform(key: int) -> None:
    made = hashing.uniform(key, 40_000)
    assert made.min() >= 0
    assert made.max() < 1
    counts = np.histogram(made, bins=20, range=(0, 1))[0]
    # χ² of 19 degrees of freedom: above 43.8 once in a thousand.
    assert ((counts - 2000) ** 2 / 2000).sum() < 43.8
    assert abs(np.corrcoef(made[:-1], made[1:])[0, 1]) < 0.02


@pytest.mark.parametrize("key", [0, 5, 2**31])
def test_normal_numbers_are_nearly_normal(key: int) -> None:
    made = hashing.normal(key, 40_000)
    assert abs(made.mean()) < 0.02
    assert abs(made.var() - 1) < 0.03
    assert abs((np.abs(made) < 1).mean() - 0.683) < 0.01
    assert abs(np.corrcoef(made[:-1], made[1:])[0, 1]) < 0.02
    assert np.array_equal(hashing.normal(key, 100), made[:100])


def test_rows_of_different_keys_have_nothing_to_do_with_each_other() -> None:
    one, other = hashing.normal(7, 5000), hashing.normal(8, 5000)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert len(np.intersect1d(hashing.uniform(7, 5000), hashing.uniform(8, 5000))) < 3
