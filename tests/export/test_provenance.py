"""Where numbers come from, in a tree that JSON can carry."""

import json
import platform
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import pytest
import torch

import attention
import attention.export
from attention.export.provenance import provenance, versions, written
from attention.record import Trace
from attention.sentences import head_check, run_check
from tests.test_architecture import loaded

MOMENT = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def trace() -> Trace:
    return attention.trace("storyteller", "The cat sat.")


def test_it_says_what_ran_where_and_when(trace: Trace) -> None:
    made = provenance(trace, now=MOMENT)
    assert (made.made, made.measured, made.trace) == ("2026-05-06T07:08:09Z", "2026-05-06T07:08:09Z", trace.id)
    assert made.model == trace.model
    assert made.settings == {
        "device": "cpu", "road": trace.model.capture_mode, "seconds": trace.seconds, "tokens": len(trace.tokens),
    }  # fmt: skip
    assert versions() == {
        "headlight": attention.__version__, "python": platform.python_version(), "torch": version("torch"),
        "transformers": version("transformers"), "numpy": version("numpy"),
    }  # fmt: skip
    assert made.versions == versions()


def test_it_has_both_checks_as_numbers_and_in_words(trace: Trace) -> None:
    tree = json.loads(json.dumps(provenance(trace).tree(), allow_nan=False))
    assert len(tree["checks"]["heads"]) == sum(record.n_heads for record in trace.all_records)
    for one in tree["checks"]["heads"]:
        error = trace.head(one["layer"], one["head"], one["kind"]).error
        assert (one["holds"], one["words"]) == head_check(error)
        assert (one["against"], one["allowed"]) == (error.against, error.tolerance)
        for name, part in error.parts.items():
            expected = {"absolute": part.absolute, "relative": part.relative, "allowed": part.allowed}
            assert one["parts"][name] == expected
    run = tree["checks"]["run"]
    assert (run["holds"], run["words"]) == run_check(trace.fidelity)
    assert (run["of"], run["relative"], run["allowed"]) == (
        trace.fidelity.of, trace.fidelity.relative, trace.fidelity.tolerance,
    )  # fmt: skip


def test_one_head_measures_only_its_own_layer(trace: Trace) -> None:
    fresh = attention.trace("storyteller", "A dog ran.")
    made = provenance(fresh, fresh.head(3, 2))
    assert [(check.layer, check.head) for check in made.checks] == [(3, 2)]
    assert made.checks[0].holds
    assert set(fresh._errors) == {("decoder", 3, 0)}


def test_what_could_not_be_checked_is_said() -> None:
    alone = Trace.from_tensors(weights=torch.ones(1, 2, 2) / 2)
    made = provenance(alone)
    assert (made.checks[0].holds, made.fidelity) == (None, None)
    assert "could not be checked" in made.checks[0].words
    run = made.tree()["checks"]["run"]
    assert run["holds"] is None
    assert "not compared" in run["words"]


def test_moments_are_written_in_utc() -> None:
    assert written(MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "2026-05-06T07:08:09Z"


def test_two_sides_have_both_lengths() -> None:
    q, k = torch.randn(1, 3, 2), torch.randn(1, 4, 2)
    made = provenance(Trace.from_tensors(query=q, key=k, tokens=list("abcd"), pair_tokens=list("xyz")))
    assert (made.settings["tokens"], made.settings["pair_tokens"]) == (4, 3)


def test_the_package_of_files_loads_nothing_heavy_by_itself() -> None:
    assert loaded(["torch", "transformers", "plotly", "streamlit"], ["attention.export"]) == []
    with pytest.raises(AttributeError, match="it has: Opened"):
        attention.export.nothing  # noqa: B018
