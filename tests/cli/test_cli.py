"""`python -m attention` as a person calls it: what it prints, what it writes, how it ends."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attention
from attention.capture import registry
from attention.cli import codes, common
from attention.export.endings import ENDINGS

ROOT = Path(__file__).resolve().parents[2]
TEXT = "The cat sat on the mat because it was tired."
TRACE = ["trace", "--model", "storyteller", "--text", TEXT]


def process(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=120, **more)


def test_help_needs_nothing_heavy_and_names_all() -> None:
    heavy = ("torch", "transformers", "plotly", "streamlit", "huggingface_hub", "tqdm")
    asked = [["--help"], *([name, "--help"] for name in ("trace", "patterns", "models", "link", "run"))]
    code = (
        "import sys; from attention.cli import main;"
        f"codes = [main(each) for each in {asked}];"
        f"print(codes, [name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = process("-c", code)
    assert done.stderr == "[0, 0, 0, 0, 0, 0] []\n"
    for words in ("trace", "patterns", "models", "link", "exit codes:", "a check failed", "examples:", "--export"):
        assert words in done.stdout
    for number, words in codes.IN_WORDS.items():
        assert f"  {number:<4} {words}" in done.stdout


def test_a_text_and_what_a_head_does_with_it(run: Any) -> None:
    code, out, err = run(*TRACE, "--layer", "1", "--head", "0", "--offline")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    answer = json.loads(line)
    trace = attention.trace("storyteller", TEXT)
    head = trace.head(1, 0)
    assert answer["tokens"] == [str(token) for token in trace.tokens]
    assert answer["model"]["name"] == "storyteller"
    assert answer["checks"]["ok"] is True
    assert answer["checks"]["heads"] == sum(record.n_heads for record in trace.all_records)
    assert (answer["checks"]["failed"], answer["checks"]["unchecked"]) == ([], [])
    assert (answer["head"]["layer"], answer["head"]["head"], answer["head"]["kind"]) == (1, 0, "decoder")
    for row, weights in zip(answer["rows"], head.weights, strict=True):
        told = {one["key"]: one["weight"] for one in row["keys"]}
        assert max(told, key=lambda key: told[key]) == int(weights.argmax())
        assert list(told.values()) == pytest.approx(sorted(weights, reverse=True)[: len(told)], abs=1e-5)


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "attention", "link", "--layer", "2"]
        done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (codes.CLOSED, "")


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "message"),
    [
        (">&-", "link --layer 2", codes.GOOD, ""),
        ("2>&-", "link --layer x", codes.USAGE, ""),
        ("<&-", "trace --model local --texts -", codes.REFUSED, "headlight: stdin has no line with a text"),
        (">/dev/full", "link --layer 2", codes.REFUSED, "headlight: The answer cannot be written to stdout: No space"),
        (">/dev/full", "link '?v=1&layer=2'", codes.REFUSED, "headlight: The answer cannot be written to stdout"),
    ],
)
def test_streams_that_are_closed_or_full(closed: str, arguments: str, code: int, message: str) -> None:
    command = ["sh", "-c", f'"$0" -m attention {arguments} {closed}', sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == bool(message)


def test_every_row_has_as_many_keys_as_were_asked_for(run: Any) -> None:
    for top, most in (("0", 0), ("2", 2), ("99", 12)):
        _, out, _ = run(*TRACE, "--top", top)
        rows = json.loads(out)["rows"]
        assert max(len(row["keys"]) for row in rows) == min(most, len(rows))
        assert all(one["key"] <= row["query"] for row in rows for one in row["keys"])  # no masked key is named


def test_rows_between_words_are_those_of_python(run: Any) -> None:
    text = "The unhappiest tortoise sat."
    code, out, _ = run("trace", "--model", "storyteller", "--text", text, "--layer", "1", "--words", "--top", "99")
    answer, found = json.loads(out), attention.words(attention.trace("storyteller", text).head(1, 0))
    assert code == 0
    assert len(answer["words"]) == len(found.queries) < len(answer["tokens"])
    for row, weights in zip(answer["word_rows"], found.weights, strict=True):
        assert {one["key"]: pytest.approx(one["weight"], abs=1e-6) for one in row["keys"]} == {
            key: float(weight) for key, weight in enumerate(weights) if weight > 0
        }
    assert "word_rows" not in json.loads(run(*TRACE)[1])


def test_a_kind_and_a_second_text(run: Any) -> None:
    code, out, _ = run("trace", "--model", "dates", "--text", "May 3, 1998", "--pair", "1998-05-03", "--kind", "cross")
    answer = json.loads(out)
    assert code == 0
    assert answer["head"]["kind"] == "cross"
    assert "".join(answer["pair_tokens"][1:]) == "1998-05-03"
    assert len(answer["rows"]) == len(answer["pair_tokens"])
    assert answer["kinds"] == ["encoder", "decoder", "cross"]


def test_a_file_of_each_kind(run: Any, tmp_path: Path) -> None:
    names = [tmp_path / f"head{ending}" for ending in ENDINGS]
    exports = [part for name in names for part in ("--export", str(name))]
    code, out, _ = run(*TRACE, "--layer", "2", "--head", "4", *exports)
    assert code == 0
    assert json.loads(out)["files"] == [str(name) for name in names]
    head = attention.trace("storyteller", TEXT).head(2, 4)
    assert b"<script" in (tmp_path / "head.html").read_bytes()
    assert (tmp_path / "head.svg").read_text(encoding="utf-8").lstrip().startswith(("<?xml", "<svg"))
    assert json.loads((tmp_path / "head.json").read_text(encoding="utf-8"))
    back = attention.load(tmp_path / "head.npz")
    assert back.id == json.loads(out)["id"]
    assert np.array_equal(back.head(2, 4).weights, head.weights)
    table = list(csv.reader(io.StringIO((tmp_path / "head.csv").read_text(encoding="utf-8-sig"))))
    assert len(table) > len(head.weights)


def test_pictures_have_the_width_that_was_asked_for(run: Any, tmp_path: Path) -> None:
    exports = [part for ending in ("svg", "png", "pdf") for part in ("--export", str(tmp_path / f"x.{ending}"))]
    assert run(*TRACE, *exports, "--width", "89mm", "--panel", "weights", "--theme", "dark")[0] == 0
    assert b'width="89mm"' in (tmp_path / "x.svg").read_bytes()
    assert int.from_bytes((tmp_path / "x.png").read_bytes()[16:20], "big") == 1051
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", (tmp_path / "x.pdf").read_bytes())
    assert box is not None
    assert float(box[1]) / 72 * 25.4 == pytest.approx(89, abs=0.01)


def test_letters_that_no_font_has_are_told_on_stderr(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attention.export import png

    monkeypatch.setattr(png, "boxed", lambda svg: "☃")
    given = ("trace", "--model", "local", "--text", "Snow.", "--export", str(tmp_path / "x.png"))
    code, out, err = run(*given)
    assert code == 0
    assert json.loads(out)["files"] == [str(tmp_path / "x.png")]
    assert err.startswith("headlight: No font on this computer has “☃” (U+2603): boxes stand for them in x.png. ")
    assert err.count("\n") == 1


def test_a_package_that_is_missing_is_told_before_anything_is_run(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from attention.export import endings

    monkeypatch.setattr(endings, "find_spec", lambda name: None)
    code, out, err = run("trace", "--model", "no/such-model", "--text", "x", "--export", "x.pdf")
    assert (code, out) == (codes.REFUSED, "")
    assert 'pip install "headlight[figures]"' in err


def test_other_warnings_go_on() -> None:
    from attention.cli.trace import _told

    with pytest.warns(RuntimeWarning, match="not ours"), _told(""):
        warnings.warn("not ours", RuntimeWarning, stacklevel=1)


def test_the_table_of_a_csv_can_be_chosen(run: Any, tmp_path: Path) -> None:
    written = []
    for what in ("weights", "scores"):
        name = tmp_path / f"{what}.csv"
        assert run(*TRACE, "--export", str(name), "--what", what)[0] == 0
        written.append(name.read_text(encoding="utf-8"))
    assert written[0] != written[1]
    code, out, err = run(*TRACE, "--export", str(tmp_path / "x.csv"), "--what", "nonsense")
    assert (code, out) == (1, "")
    assert "weights" in err
    assert not (tmp_path / "x.csv").exists()


def test_many_texts_are_lines_of_json_and_files_with_numbers(run: Any, tmp_path: Path) -> None:
    lines = tmp_path / "texts.txt"
    lines.write_text("\ufeffThe cat sat.\r\n\n  \nA dog ran — away.\n", encoding="utf-8")
    code, out, err = run(
        "trace", "--model", "local", "--texts", str(lines), "--export", str(tmp_path / "out-{n:03}.svg")
    )
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(one["n"], one["text"]) for one in answers] == [(1, "The cat sat."), (2, "A dog ran — away.")]
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["out-001.svg", "out-002.svg"]
    assert [one["files"] for one in answers] == [[str(tmp_path / "out-001.svg")], [str(tmp_path / "out-002.svg")]]


def test_the_local_layer_is_built_as_asked(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "two.npz"
    code, out, err = run(
        "trace", "--model", "local", "--text", "The cat.", "--local", "heads=2,kv=1,both", "--export", str(file)
    )
    assert (code, err) == (0, "")
    facts = json.loads(out)["model"]
    assert (facts["n_heads"], facts["n_kv_heads"]) == (2, 1)
    saved = attention.load(file)
    assert str(saved.prompt.settings) == "heads=2,kv=1,both"
    code, out, _ = run("link", "--model", "local", "--text", "The cat.", "--local", "heads=2,kv=1,both")
    assert (code, "local=heads%3D2%2Ckv%3D1%2Cboth" in out) == (0, True)
    assert json.loads(run("link", out.strip())[1])["view"]["local"] == "heads=2,kv=1,both"
    by_link = json.loads(run("trace", "--link", out.strip())[1])
    assert by_link["rows"] == json.loads(run("trace", "--link", out.strip(), "--top", "3")[1])["rows"]
    assert by_link["model"] == facts
    scored = json.loads(run("patterns", "--model", "local", "--text", "The cat. The cat.", "--local", "heads=2")[1])
    assert scored["checks"]["heads"] == 2


def test_a_run_with_edits_is_what_is_printed_and_what_python_makes(run: Any) -> None:
    code, out, _ = run(*TRACE, "--layer", 1, "--head", 0, "--edits", "cut-1.0-q5-k2,hide-k3")
    answer, made = json.loads(out), attention.trace("storyteller", TEXT, edits="cut-1.0-q5-k2,hide-k3")
    assert code == codes.GOOD
    assert answer["edits"] == [str(edit) for edit in made.edits] == ["hide-decoder-k3", "cut-decoder.1.0-q5-k2"]
    best = answer["rows"][5]["keys"][0]
    weights = made.head(1, 0).weights[5]
    assert best["key"] == int(weights.argmax())
    assert best["weight"] == pytest.approx(float(weights.max()), rel=1e-5)
    assert weights[2] == weights[3] == 0
    code, out, _ = run("trace", "--link", "http://localhost/?v=1&model=storyteller&text=The+cat+sat.&edits=off-0.1")
    assert json.loads(out)["edits"] == ["off-decoder.0.1"]


def test_a_text_ends_where_its_line_does(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_bytes("\ufeffone\ftwo\u2028three\x85\r\nfour\rfive\n \n\nsix".encode())
    assert common.texts_of(str(file)) == ["one\ftwo\u2028three\x85", "four", "five", "six"]


def test_one_bad_text_does_not_end_the_others(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(f"The cat.\n{'word ' * 400}\nThe dog.\n".encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    code, out, err = run("trace", "--model", "storyteller", "--texts", "-")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == codes.REFUSED
    assert ["error" in one for one in answers] == [False, True, False]
    assert "at most 256" in answers[1]["error"]
    assert err == f"headlight: text 2: {answers[1]['error']}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "9"], "layers with it: 0 to 3"),
        (["--head", "6"], "heads 0 to 5; got 6"),
        (["--kind", "cross"], "it has: decoder"),
        (["--export", "/no/such/folder/a.svg"], "There is no folder /no/such/folder"),
        (["--pair", "more"], "leave the second one out"),
        (["--chat"], "template"),
        (["--local", "heads=2"], "Only the local model's layer can be set"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Any, arguments: list[str], message: str) -> None:
    code, out, err = run(*TRACE, *arguments)
    assert (code, out) == (codes.REFUSED, "")
    assert message in err
    assert err.startswith("headlight: ")
    assert err.count("\n") == 1


def test_models_and_files_that_are_not_there(run: Any, tmp_path: Path, empty_cache: Path) -> None:
    code, out, err = run("trace", "--model", "tiny/none", "--text", "x", "--offline")
    assert (code, out) == (codes.REFUSED, "")
    assert "tiny/none is not on this computer, and offline mode is on" in err
    code, _, err = run("trace", "--model", "local", "--texts", str(tmp_path / "none.txt"))
    assert (code, "No such file" in err) == (codes.REFUSED, True)
    (tmp_path / "latin.txt").write_bytes("déjà".encode("latin-1"))
    assert "not UTF-8 text (byte 1)" in run("trace", "--model", "local", "--texts", str(tmp_path / "latin.txt"))[2]
    (tmp_path / "blank.txt").write_text("\n \n")
    assert "has no line with a text" in run("trace", "--model", "local", "--texts", str(tmp_path / "blank.txt"))[2]
    (tmp_path / "two.txt").write_text("one\ntwo\n")
    code, _, err = run("trace", "--model", "local", "--texts", str(tmp_path / "two.txt"), "--export", "one.svg")
    assert (code, "put {n} into its name" in err) == (codes.REFUSED, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["draw"], "invalid choice: 'draw'"),
        (["trace", "--text", "x"], "required: --model"),
        (["trace", "--model", "local"], "one of the arguments --text --texts --link is required"),
        (["trace", "--link", "?v=1&model=local", "--head", "1"], "leave out --head"),
        (["trace", "--model", "local", "--text", "x", "--texts", "y"], "not allowed with"),
        ([*TRACE, "--layer", "-1"], "must be a whole number from 0"),
        ([*TRACE, "--layer", "1e9"], "must be a whole number from 0"),
        ([*TRACE, "--export", "a.jpg"], "'a.jpg' must end in .html, .npz, .svg, .pdf, .png, .csv or .json"),
        ([*TRACE, "--kind", "sideways"], "invalid choice: 'sideways'"),
        ([*TRACE, "--local", "heads=3"], "d_model must be a multiple of n_heads; got 64 and 3."),
        (["trace", "--link", "?v=1&model=local", "--local", "both"], "leave out --local"),
        (["patterns", "--model", "local", "--local", "both"], "belong to a text"),
        ([*TRACE, "--edits", "off"], "needs a layer"),
        ([*TRACE, "--edits", "off-0.1,melt-3"], "'melt-3' is no edit"),
        (["patterns", "--model", "local", "--pattern", "none"], "invalid choice: 'none'"),
        (["patterns", "--model", "local", "--least", "nan"], "'nan' must be a number"),
        (["patterns", "--model", "local", "--least", "much"], "'much' must be a number"),
        (["link", "--stage", "last"], "'last' must be scores, scaled, softcapped, biased or masked"),
        (["link", "--ids", "yes"], "'yes' must be 0 or 1"),
    ],
)
def test_what_is_written_wrongly_is_a_usage_error(run: Any, arguments: list[str], message: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (codes.USAGE, "")
    assert message in err


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attention whose queries are 1 % too large."""
    right = registry.sdpa_attention_forward

    def wrong(module: Any, query: Any, *rest: Any, **named: Any) -> Any:
        return right(module, query * 1.01, *rest, **named)

    monkeypatch.setattr(registry, "sdpa_attention_forward", wrong)


def test_a_failed_check_is_an_exit_code_of_its_own(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    code, out, err = run(*TRACE)
    answer = json.loads(out)
    assert code == codes.NOT_TRUSTED
    assert answer["checks"]["ok"] is False
    # A head that looks evenly hardly changes.
    n_failed, n_heads = len(answer["checks"]["failed"]), answer["checks"]["heads"]
    assert n_heads == 24
    assert 20 <= n_failed <= n_heads
    assert answer["checks"]["worst"]["relative"] > answer["checks"]["worst"]["allowed"]
    assert f"do not trust these numbers: {n_failed} of 24 heads differ" in err
    code, out, err = run("patterns", "--model", "storyteller", "--text", TEXT)
    assert (code, json.loads(out)["checks"]["ok"]) == (codes.NOT_TRUSTED, False)


def test_of_many_texts_the_worst_end_counts(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plant(monkeypatch)
    (tmp_path / "texts.txt").write_text(f"The cat.\n{'word ' * 400}\n")
    code, out, _ = run("trace", "--model", "storyteller", "--texts", str(tmp_path / "texts.txt"))
    assert code == codes.NOT_TRUSTED
    assert ["error" in json.loads(line) for line in out.splitlines()] == [False, True]


def test_checks_that_are_not_numbers_are_null_and_no_pass() -> None:
    from dataclasses import replace

    trace = attention.trace("local", "The cat sat.")
    record = trace.record(0)
    broken = replace(trace, all_records=(replace(record, output=record.output.clone().fill_(float("nan"))),))
    checks = common.checks_of(broken)
    assert checks["ok"] is False
    said = json.dumps(common.plain(checks), allow_nan=False)
    assert json.loads(said)["worst"]["relative"] is None


def test_what_has_no_second_source_is_unchecked_and_not_failed() -> None:
    import torch

    checks = common.checks_of(attention.Trace.from_tensors(weights=torch.full((2, 3, 3), 1 / 3)))
    assert (checks["ok"], len(checks["unchecked"]), checks["run"], checks["worst"]) == (True, 2, None, None)


def test_an_interruption(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attention.api.trace", stop)
    assert run(*TRACE) == (codes.INTERRUPTED, "", "headlight: interrupted\n")


def test_progress_goes_to_stderr_and_json_to_stdout(run: Any) -> None:
    code, out, err = run(*TRACE, "--progress")
    assert code == 0
    assert json.loads(out)["checks"]["ok"]
    assert "Running storyteller" in err
    assert run(*TRACE, "--no-progress")[2] == ""


def test_a_bar_has_a_share_where_one_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with common.telling(True) as report:
        report("Downloading tiny: 5 of 20 MB", 0.25)
    assert "Downloading tiny: 5 of 20 MB  25% |" in capsys.readouterr().err


def test_the_offline_switch_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for before in (None, "0"):
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False) if before is None else monkeypatch.setenv(
            "HF_HUB_OFFLINE", before
        )
        with common.network(offline=True):
            assert (os.environ["HF_HUB_OFFLINE"], constants.is_offline_mode()) == ("1", True)
        assert (os.environ.get("HF_HUB_OFFLINE"), constants.is_offline_mode()) == (before, False)


def test_json_is_utf8_whatever_the_terminal_speaks() -> None:
    command = [sys.executable, "-m", "attention", "link", "?v=1&text=%D0%BA%D0%BE%D1%82"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, timeout=60, check=True)
    assert json.loads(done.stdout.decode("utf-8"))["view"]["text"] == "кот"
    assert "кот".encode() in done.stdout


def test_a_table_keeps_to_its_columns_whatever_stands_in_it() -> None:
    rows = [{"a": "x\n\x1b[31my", "b": 1234, "c": None}, {"a": "z", "b": 5, "c": 0.5}]
    assert common.lay_out(rows, {"a": "A", "b": "B", "c": "C"}).splitlines() == [
        "A             B      C",
        "x��[31my  1,234      –",
        "z             5  0.500",
    ]
    assert common.lay_out([], {"a": "A", "b": "B"}) == "A  B"
