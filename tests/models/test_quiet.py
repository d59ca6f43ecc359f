"""A library is quiet while anybody is inside, and afterwards as it was."""

from collections.abc import Callable

from attention.models.quiet import Quiet


def test_the_last_to_leave_gives_back_what_the_first_one_found() -> None:
    level = ["loud"]

    def hush() -> Callable[[], None]:
        before = level[0]
        level[0] = "quiet"
        return lambda: level.__setitem__(0, before)

    quiet = Quiet(hush)
    for found in ("loud", "louder"):
        level[0] = found
        with quiet:
            with quiet:
                assert level == ["quiet"]
            assert level == ["quiet"]
        assert level == [found]


def test_an_error_leaves_it_as_it_was() -> None:
    level = [1]
    quiet = Quiet(lambda: level.append(2) or level.pop)  # type: ignore[func-returns-value]
    try:
        with quiet:
            assert level == [1, 2]
            raise KeyError
    except KeyError:
        assert level == [1]
