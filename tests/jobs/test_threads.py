"""Small models compute with one thread, others with as many as torch chose; a person's own program is left alone."""

import pytest
import torch

from attention.jobs import threads
from attention.jobs.threads import computing


@pytest.fixture
def three(monkeypatch):
    """A machine on which torch chose three threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr(threads, "_chosen", None)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("model", "n"), [("storyteller", 1), ("local", 1), ("openai-community/gpt2", 3), ("./mine", 3)]
)
def test_a_run_computes_with_what_its_model_is_worth(three, model, n):
    threads.few()
    threads.few()
    assert torch.get_num_threads() == 1
    with computing(model):
        assert torch.get_num_threads() == n
    assert torch.get_num_threads() == 1


def test_where_nobody_asked_for_few_nothing_is_changed(three):
    for model in ("storyteller", "openai-community/gpt2"):
        with computing(model):
            assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 3


def test_a_run_that_fails_leaves_few(three):
    threads.few()
    with pytest.raises(ZeroDivisionError), computing("openai-community/gpt2"):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 1
