"""Any view, for tests that hold for all of them."""

import sys

from hypothesis import strategies as st

from attention.layer_settings import LOCAL
from attention.view import (
    COLDEST,
    COUNTED_ON,
    DETAILS,
    HIDE,
    HOTTEST,
    KINDS,
    MAX_BESIDE,
    MAX_INDEX,
    MAX_PINS,
    MEASURES,
    OVER,
    REST,
    STAGES,
    TOGETHER,
    VALUES,
    View,
)
from tests.test_layer_settings import some_settings

any_text = st.text(st.integers(0, sys.maxunicode).map(chr), max_size=60)  # st.characters() leaves surrogates out
# A few characters many times over, and no text at all that repeats: both sides of each limit.
long_text = st.builds(lambda text, times: (text * times)[:19_000], any_text, st.integers(1, 400)) | st.builds(
    lambda start, count: "".join(map(chr, range(start, start + count))), st.integers(1, 40_000), st.integers(0, 4_000)
)
index = st.integers(0, MAX_INDEX)
views = st.builds(
    View,
    model=any_text.filter(str.strip) | st.just(LOCAL),
    text=any_text | long_text,
    pair=any_text | long_text,
    kind=st.sampled_from(["", *KINDS]),
    layer=index,
    head=index,
    query=st.none() | index,
    stage=st.sampled_from(STAGES),
    values=st.sampled_from(VALUES),
    also=st.lists(index, max_size=MAX_PINS, unique=True).map(tuple),
    together=st.sampled_from(TOGETHER),
    key=st.none() | index,
    temperature=st.floats(COLDEST, HOTTEST),
    hide=st.sets(st.sampled_from(HIDE)).map(lambda some: tuple(one for one in HIDE if one in some)),
    rest=st.sampled_from(REST),
    zoom=st.none() | st.tuples(index, index, index, index).map(lambda b: (*sorted(b[:2]), *sorted(b[2:]))),
    measure=st.sampled_from(MEASURES),
    sort=st.booleans(),
    counted_on=st.sampled_from(COUNTED_ON),
    details=st.sampled_from(DETAILS),
    beside=st.lists(st.tuples(index, index), max_size=MAX_BESIDE, unique=True).map(tuple),
    least=st.floats(0, 1),
    top=index,
    over=st.sampled_from(OVER),
    ids=st.booleans(),
    chat=st.booleans(),
    settings=some_settings(),
)
