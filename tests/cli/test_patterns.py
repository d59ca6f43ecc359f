"""`headlight patterns`: heads by what they do, on a text and on stored ones."""

import json
from typing import Any

import attention
from attention.analysis.named import NAMES
from attention.cli import codes
from attention.cli import patterns as patterns_command


def test_patterns_on_a_text(run: Any) -> None:
    repeated = "The red door opens slowly. The red door opens slowly."
    code, out, err = run("patterns", "--model", "storyteller", "--text", repeated)
    answer = json.loads(out)
    assert (code, err, answer["on"]) == (0, "", "this text")
    rows = attention.patterns(attention.trace("storyteller", repeated), least=0.4)
    assert [(one["pattern"], one["layer"], one["head"]) for one in answer["heads"]] == [
        (row.pattern, row.layer, row.head) for row in rows
    ]
    assert min(one["way"] for one in answer["heads"]) >= 0.4
    assert {"induction", "previous token"} <= {one["pattern"] for one in answer["heads"]} <= set(NAMES)
    _, out, _ = run("patterns", "--model", "storyteller", "--text", repeated, "--pattern", "induction", "--least", "-9")
    assert len(json.loads(out)["heads"]) == 24


def test_patterns_on_stored_texts_as_a_table(run: Any) -> None:
    named = ["--pattern", "copying", "--pattern", "induction"]
    code, out, _ = run("patterns", "--model", "storyteller", "--table", *named)
    head, *lines = out.splitlines()
    assert code == 0
    assert head.split() == list(patterns_command.COLUMNS.values())
    assert {line.split()[0] for line in lines} == {"induction", "copying"}
    assert len({len(line) for line in lines if line.endswith("yes")}) == 1


def test_patterns_that_cannot_be_scored(run: Any) -> None:
    assert "give --text" in run("patterns", "--model", "local")[2]
    code, out, err = run("patterns", "--model", "storyteller", "--pair", "x")
    assert (code, out, "give --text" in err) == (codes.USAGE, "", True)
    code, out, _ = run("patterns", "--model", "local", "--text", "The cat sat. The cat ran.")
    assert (code, json.loads(out)["checks"]["ok"]) == (0, True)
