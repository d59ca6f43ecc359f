"""`headlight link`: a link made and read."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from attention import view
from attention.cli import codes
from attention.layer_settings import from_line
from attention.table import keys


def test_a_link_goes_there_and_back(run: Any) -> None:
    asked = {
        "model": "dates", "text": "Straße & 100% «ja»\nzweite Zeile", "pair": "1998", "kind": "cross", "layer": "1",
        "head": "2", "query": "3", "also": "4,5", "temperature": "0.5", "lens": "rollout", "zoom": "0-3,0-4",
        "beside": "0.1,1.0", "ids": "1",
    }  # fmt: skip
    options = [part for name, value in asked.items() for part in (f"--{name}", value)]
    code, out, err = run("link", "--base", "https://example.org/look/", *options)
    assert (code, err) == (0, "")
    assert out.startswith("https://example.org/look/?v=1&")
    found, notices = view.parse(parse_qs(urlsplit(out.strip()).query, keep_blank_values=True))
    assert notices == ()
    assert (found.model, found.kind, found.layer, found.also, found.zoom) == ("dates", "cross", 1, (4, 5), (0, 3, 0, 4))
    code, back, _ = run("link", out.strip())
    answer = json.loads(back)
    assert (code, answer["notices"]) == (0, [])
    told = {name: _tuples(answer["view"][key]) for name, key in keys(view.View).items()}
    told["settings"] = from_line(told["settings"])
    assert view.View(**told) == found
    assert answer["view"]["text"] == asked["text"]
    assert json.loads(run("link", urlsplit(out.strip()).query)[1]) == answer  # without its beginning


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def test_a_link_that_cannot_be_read(run: Any) -> None:
    answer = json.loads(run("link", "http://localhost:8501/?v=1&layer=x&head=2")[1])
    assert answer["view"]["head"] == 2
    assert "layer" in answer["notices"][0]
    for url in ("nothing", "http://localhost:8501/", "http://[", ""):
        code, out, err = run("link", url)
        assert (code, out, err.count("\n")) == (codes.REFUSED, "", 1)
    code, out, err = run("link", "?v=1", "--layer", "2")
    assert (code, out, "not both" in err) == (codes.USAGE, "", True)
    assert "must begin with http" in run("link", "--base", "example.org", "--layer", "2")[2]


def test_a_link_with_a_long_text_is_complete_and_says_that_it_is_long(run: Any) -> None:
    generator = np.random.default_rng(0)
    short, long = ("".join(map(chr, generator.integers(0x4E00, 0x9000, count))) for count in (300, 3000))
    for text, warned in ((short, False), (long, True)):
        code, out, err = run("link", "--text", text)
        assert (code, "longer than" in err) == (0, warned)
        assert json.loads(run("link", out.strip())[1])["view"]["text"] == text


def test_what_a_link_shows_is_traced_and_exported(run: Any, tmp_path: Path) -> None:
    url = run("link", "--model", "dates", "--text", "May 3, 1998", "--kind", "cross", "--layer", "1", "--query", "2")[1]
    code, out, err = run("trace", "--link", url.strip(), "--export", str(tmp_path / "date.json"))
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert (answer["model"]["name"], answer["text"]) == ("dates", "May 3, 1998")
    assert (answer["head"]["kind"], answer["head"]["layer"]) == ("cross", 1)
    written = json.loads((tmp_path / "date.json").read_text(encoding="utf-8"))
    assert (written["view"]["query"], written["head"]["kind"], written["head"]["layer"]) == ("2", "cross", 1)
    code, out, err = run("trace", "--link", "?v=1&model=local&text=a+b&layer=x")
    assert (code, json.loads(out)["tokens"]) == (0, ["a", "b"])
    assert "layer" in err


def test_every_key_of_a_link_is_an_option(run: Any) -> None:
    _, out, _ = run("link", "--help")
    for key in view.PARAMETERS:
        assert (f"--{key.name} " in out) == bool(key.of)
