"""`compare`: pairs of texts from a file, their numbers, and how it ends."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.analysis.changed import changed
from attention.cli import codes, common, main, pairs
from attention.errors import InputError
from attention.source import load_source

CAT, DOG = "The cat sat on the mat.", "The big dog sat on the mat."


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """run(argument, …) → (exit code, the lines of stdout as JSON, stderr)."""

    def call(*arguments: Any) -> tuple[int, list[dict[str, Any]], str]:
        code = main(["compare", *(str(one) for one in arguments)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return call


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in ((CAT, DOG), (CAT, CAT))), encoding="utf-8")
    return path


def logits_after(text: str) -> np.ndarray:
    """The last logits of the storyteller on its own, without any of our code around it."""
    source = load_source("storyteller", None, None)
    ids = torch.tensor([[token.id for token in attention.trace("storyteller", text).tokens]])
    with torch.no_grad():
        return source.model(input_ids=ids).logits[0, -1].double().numpy()


def test_each_pair_has_its_heads_and_its_prediction(run: Any, two: Path) -> None:
    code, (first, same, last), err = run(two, "--model", "storyteller", "--top", "24", "--offline")
    assert (code, err) == (codes.GOOD, "")
    found = changed(attention.trace("storyteller", CAT), attention.trace("storyteller", DOG))
    assert [(one["layer"], one["head"]) for one in first["heads"]] == [(one.layer, one.head) for one in found]
    assert [one["distance"] for one in first["heads"]] == pytest.approx([one.distance for one in found], abs=1e-9)
    assert (first["a"], first["b"], first["line"], first["n"]) == (CAT, DOG, 1, 1)
    assert first["tokens"] == {"a": 8, "b": 9, "aligned": 7, "same": 7}
    # KL by its definition, from the model's own logits.
    p, q = (np.exp(one - one.max()) / np.exp(one - one.max()).sum() for one in map(logits_after, (CAT, DOG)))
    assert first["prediction"]["kl"] == pytest.approx(float((p * np.log(p / q)).sum()), rel=1e-4)
    assert first["prediction"]["a"]["probability"] == pytest.approx(float(p.max()), rel=1e-5)
    assert first["value"] == found[0].distance
    assert first["beyond"] is None
    assert first["checks_ok"] is True
    assert same["value"] == 0
    assert same["prediction"]["kl"] == 0
    # Each row counts once: 7 of one pair, 8 of the other.
    summary = last["summary"]
    assert summary["heads"][0]["distance"] == pytest.approx(found[0].total / 15)
    assert summary["heads"][0]["rows"] == 15
    assert (summary["pairs"], summary["failed"], summary["beyond"]) == (2, 0, 0)
    assert "total variation distance" in summary["method"]
    assert "KL(a‖b) in nats" in summary["method"]


@pytest.mark.parametrize(
    ("metric", "threshold", "code"),
    [
        ("head", 0.9, codes.GOOD), ("head", 0.01, codes.BEYOND),
        ("mean", 0.9, codes.GOOD), ("mean", 0.001, codes.BEYOND),
        ("kl", 50, codes.GOOD), ("kl", 0, codes.BEYOND),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_threshold(run: Any, two: Path, metric: str, threshold: float, code: int) -> None:
    ended, (first, same, last), _ = run(two, "--model", "storyteller", "--metric", metric, "--threshold", threshold)
    assert ended == code
    assert first["beyond"] is (code == codes.BEYOND)
    assert same["beyond"] is False, "what is the same is beyond nothing"
    assert last["summary"]["beyond"] == int(code == codes.BEYOND)
    assert last["summary"]["largest"] == max(first["value"], same["value"])


def test_the_mean_is_over_all_heads(run: Any, two: Path) -> None:
    _, (first, *_), _ = run(two, "--model", "storyteller", "--metric", "mean", "--top", 100)
    assert first["value"] == pytest.approx(np.mean([one["distance"] for one in first["heads"]]))


def test_all_of_it_goes_to_a_file_too(run: Any, two: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    _, lines, _ = run(two, "--model", "storyteller", "--json", report)
    made = json.loads(report.read_text("utf-8"))
    assert made == {
        "format": "headlight-compare", "version": 1, "summary": lines[-1]["summary"], "pairs": lines[:-1],
    }  # fmt: skip
    code, lines, err = run(two, "--model", "storyteller", "--json", tmp_path / "none" / "report.json")
    assert (code, lines) == (codes.REFUSED, [])
    assert "There is no folder" in err


def test_one_text_a_line_goes_through_two_models(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text(f'text\n"{CAT}"\n', encoding="utf-8")
    both = (path, "--model", "storyteller", "--against", "local")
    code, (first, _), _ = run(*both, "--threshold", 0.1, "--metric", "head")
    assert code == codes.REFUSED
    assert "A has 4 layers of 6 heads, B 1 layer of 4 heads" in first["error"]
    code, (first, last), _ = run(*both)
    assert code == codes.GOOD
    assert first["heads"] == []
    assert "Heads correspond only where" in first["no_heads"]
    assert first["prediction"] == {"kl": None, "a": None, "b": None, "reason": "The local model predicts nothing."}
    assert last["summary"]["against"] == "local"
    code, lines, err = run(path, "--model", "storyteller")
    assert (code, lines) == (codes.REFUSED, [])
    assert "has one text; give two, a second model (--against), or changes" in err


def test_edits_change_the_run_of_the_second_side(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": CAT}) + "\n", encoding="utf-8")
    edits = "off-1.0,hide-k2"
    code, (first, last), _ = run(path, "--model", "storyteller", "--edits", edits, "--top", 24, "--metric", "kl")
    assert code == codes.GOOD
    found = changed(attention.trace("storyteller", CAT), attention.trace("storyteller", CAT, edits=edits))
    assert [one["distance"] for one in first["heads"]] == pytest.approx([one.distance for one in found], abs=1e-9)
    kl = attention.effect("storyteller", CAT, edits=edits).effect.kl
    assert first["prediction"]["kl"] == pytest.approx(kl, rel=1e-4)
    assert last["summary"]["edits"] == ["off-1.0", "hide-k2"]
    code, (first, _), _ = run(path, "--model", "storyteller", "--edits", "off-9.1")
    assert code == codes.REFUSED
    assert "there are 0 to 3" in first["error"]


def test_patches_take_from_the_first_text(run: Any, tmp_path: Path) -> None:
    path, other = tmp_path / "pairs.jsonl", CAT.replace("cat", "dog")
    path.write_text(json.dumps({"a": CAT, "b": other}) + "\n", encoding="utf-8")
    _, (first, _), _ = run(path, "--model", "storyteller", "--edits", "patch-1", "--top", 24)
    patched = attention.trace("storyteller", other, edits="patch-1", patch_text=CAT)
    found = changed(attention.trace("storyteller", CAT), patched)
    assert [one["distance"] for one in first["heads"]] == pytest.approx([one.distance for one in found], abs=1e-9)


def test_models_that_choose_from_other_words_are_not_compared_by_their_predictions(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"text": "The cat ___ on the mat."}), encoding="utf-8")
    _, (first, _), _ = run(path, "--model", "storyteller", "--against", "cloze")
    assert first["prediction"]["kl"] is None
    assert "One model predicts next tokens, the other fillers of a blank" in first["prediction"]["reason"]
    _, (first, _), _ = run(path, "--model", "cloze", "--against", "cloze")
    assert first["prediction"]["kl"] == 0


def test_a_pair_that_cannot_be_compared_says_so_and_the_others_go_on(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(f"{CAT}\t{DOG}\n{CAT}\t{'word ' * 600}\n{CAT}\t{CAT}\n", encoding="utf-8")
    code, lines, err = run(path, "--model", "storyteller", "--threshold", "0.9")
    assert code == codes.REFUSED
    assert ["error" in line for line in lines] == [False, True, False, False]
    assert err.startswith("headlight: pair 2 (line 2): ")
    assert lines[-1]["summary"]["failed"] == 1


def test_a_failed_check_counts_before_all_else(run: Any, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "checks_of", lambda trace: {"ok": False})
    code, (first, *_), err = run(two, "--model", "storyteller", "--threshold", "0.0001")
    assert code == codes.NOT_TRUSTED
    assert first["checks_ok"] is False
    assert "do not trust these numbers" in err


@pytest.mark.parametrize("threshold", ["-1", "nan", "x", "inf"])
def test_a_threshold_is_a_number(run: Any, two: Path, threshold: str) -> None:
    code, lines, err = run(two, "--model", "storyteller", f"--threshold={threshold}")
    assert (code, lines) == (codes.USAGE, [])
    assert "must be a number from 0" in err


def test_a_model_that_is_not_there_ends_it_at_once(run: Any, two: Path) -> None:
    code, lines, err = run(two, "--model", "storyteller", "--against", "nobody/nothing", "--offline")
    assert (code, lines) == (codes.REFUSED, [])
    assert "nobody/nothing" in err


# What a file may hold


def read(tmp_path: Path, name: str, text: str | bytes, **more: Any) -> list[tuple[str, str, int]]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = pairs.pairs_of(str(path), None, is_single_allowed=True, **more)
    return [(one.a, one.b, one.line) for one in found]


def test_tables_may_name_their_columns_and_quote_their_cells(tmp_path: Path) -> None:
    assert read(tmp_path, "x.csv", '\ufeffid,b,a\r\n1,"y, and\nmore",x\r\n\r\n2,z,w\r\n') == [
        ("x", "y, and\nmore", 3), ("w", "z", 5),
    ]  # fmt: skip
    assert read(tmp_path, "x.csv", "x,y\nz,w\n") == [("x", "y", 1), ("z", "w", 2)]
    assert read(tmp_path, "x.tsv", "x\ty, z\n") == [("x", "y, z", 1)]
    assert read(tmp_path, "x.csv", "one\ntwo\n") == [("one", "one", 1), ("two", "two", 2)]
    lines = '{"a": "x", "b": "y", "id": 7}\n\n{"text": "z"}\n'
    assert read(tmp_path, "x.jsonl", lines) == [("x", "y", 1), ("z", "z", 3)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.jsonl", "", "has no pair"),
        ("x.jsonl", "[1]", "Line 1 is no JSON object"),
        ("x.jsonl", '{"a": "x"}\n', "Line 1 does not hold two texts"),
        ("x.jsonl", '{"a": "x", "b": 3}\n', "Line 1 does not hold two texts"),
        ("x.jsonl", '{"a": "x", "b": " "}\n', "Line 1 does not hold two texts"),
        ("x.jsonl", '{"a": "x", "b": "y"}\n{', "Line 2 is no JSON"),
        ("x.jsonl", "[" * 100_000, "Line 1 is no JSON"),
        ("x.csv", "x,y\nz\n", "Line 2 has 1 cells, not 2"),
        ("x.csv", 'x,"y\n', "cannot be read as a row"),
        ("x.csv", "x," + "y" * 200_000, "cannot be read as a row"),
        ("x.jsonl", b"\xff\xfe", "is not UTF-8 text"),
        ("x.txt", "x", "must end in .jsonl, .csv or .tsv"),
    ],
)
def test_what_is_no_pair_is_refused_by_its_line(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, name, text)


def test_a_file_is_read_up_to_its_bounds_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_PAIRS", 3)
    line = '{"a": "x", "b": "y"}\n'
    assert len(read(tmp_path, "x.jsonl", 3 * line)) == 3
    with pytest.raises(InputError, match="more than 3 pairs; split the file"):
        read(tmp_path, "x.jsonl", 4 * line)
    monkeypatch.setattr(pairs, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="split it"):
        read(tmp_path, "x.jsonl", line)
    with pytest.raises(InputError, match="cannot be read"):
        pairs.pairs_of(str(tmp_path / "none.csv"), None, is_single_allowed=True)


def test_pairs_may_come_from_stdin(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = SimpleNamespace(buffer=io.BytesIO(f"{CAT}\t{CAT}\n".encode()))
    monkeypatch.setattr("sys.stdin", given)
    code, lines, _ = run("-", "--format", "tsv", "--model", "storyteller")
    assert code == codes.GOOD
    assert lines[0]["value"] == 0


