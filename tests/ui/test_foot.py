"""The foot: signs beside colours, and nothing hidden."""

from attention.ui import foot


def test_colour_is_never_the_only_difference():
    marks = [foot._mark(holds, "x") for holds in (True, False, None)]
    assert marks == [("good", "✓ x"), ("bad", "⚠ x"), ("open", "– x")]


def test_what_a_model_says_of_itself_hides_nothing():
    assert foot._mark(None, "A\u202eb\u2028c <b>\u200bd")[1] == "– AU+202EbU+2028c <b>U+200Bd"
