"""`static/local/` in Chromium against Python: the same hash, tokens, numbers, runs, mistakes and checks.

Numbers of the hash and all that enters the layer are the same to the last bit; what is added up differs by rounding.
"""

import base64
import json
import random
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from inspect import getsource
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from attention import hashing, mistakes, selfchecks
from attention.browser import codec, parts, store
from attention.errors import InputError
from attention.layer_settings import RANGES, LocalSettings, from_line
from attention.local import build, embed, folded, trace_local
from attention.mistakes import MISTAKES, run, weights_of
from attention.record import Token
from attention.selfchecks import CHECKS, catching, check_all
from attention.tokens import label, visible, words
from attention.view import View
from tests.chromium import lab as lab_page
from tests.chromium.lab import opened

CLOSE = 1e-5
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const { parse } = start({ palettes: {} });
    const names = ["local/random", "local/words", "local/layer", "local/run", "local/mistakes", "local/checks", "head"];
    const [random, words, layer, runs, mistakes, checks, heads] = await Promise.all(
        names.map((name) => import(`/${name}.js`)));
    const text = (array) => {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        return { kind: array.constructor.name, shape: array.shape ?? [array.length], data: bytes.toBase64() };
    };
    // A tree with its arrays as texts.
    const told = (node) => ArrayBuffer.isView(node) ? text(node)
        : Array.isArray(node) ? node.map(told)
        : node && typeof node === "object" ? named(node, told)
        : node;
    const named = (tree, how) => Object.fromEntries(Object.entries(tree).map(([name, one]) => [name, how(one)]));
    const made = (sentence, settings, options = {}, mistake = "") => {
        const tokens = words.tokensOf(sentence);
        const weights = layer.weightsOf(settings);
        const { x } = layer.embedded(tokens, settings);
        return { tokens, weights, x, pass: mistakes.withMistake(mistake, x, weights, settings, options) };
    };
    globalThis.lab = { random, words, layer, runs, mistakes, checks, heads, told, made };
}"""
LINES = (
    "", "both", "heads=2,kv=1", "heads=8,kv=2,both,seed=7", "d=30,heads=5", "d=15,heads=3,unplaced", "unscaled", "kv=1",
    "d=8,heads=2,both,unscaled,temperature=0.5,unplaced,seed=0", "temperature=3.7", "d=256,heads=16,kv=4",
    "d=1,heads=1",
    "heads=1", "d=16,heads=16,kv=16,seed=999999999",
)  # fmt: skip
SENTENCES = (
    "The cat sat on the mat because it was tired.", "one two three two one", "it",
    "Łódź 日本 👩‍👩‍👧 don't ΟΔΟΣ, 1,000.5!",
)  # fmt: skip
# Only a virama that joins two consonants: Python's regex joins one to the next consonant also where none is before it.
TRICKY = [
    *"aZ1.,'’ \n\r\t_-é日カーのㄱ가ß", "İ", "ı", "Σ", "ς", "\u200c", "\u200d", "\u0301", "\ufe0f", "👩", "🏽", "🇩", "🇪",
    "❤", "#", "ℹ", "\u0600", "\u0e33", "क\u094dष", "ष", "\x85", "\x1c", "\ufeff", "\xa0", "\u3000", "\u2028", "〇",
    "½", "Ⅳ", "𝒳", "\u2060",
]  # fmt: skip


class Lab(lab_page.Lab):
    """Arrays come back as numpy's."""

    def ask(self, script: str, argument: Any = None) -> Any:
        """What the script says; `lab` holds the modules."""
        return read(self.page.evaluate(script, argument))

    def ask_of_many(self, script: str, texts: list[str]) -> Any:
        """What the script says of thousands of texts. They travel as one text: each value of a list costs by itself."""
        wrapped = f"(texts) => JSON.stringify(({script})(JSON.parse(texts)))"
        return json.loads(self.page.evaluate(wrapped, json.dumps(texts)))


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def read(node: Any) -> Any:
    """A tree that `told` made, with its arrays."""
    if isinstance(node, dict) and set(node) == {"kind", "shape", "data"}:
        kind = {"Float32Array": np.float32, "Float64Array": np.float64, "Uint8Array": np.uint8}[node["kind"]]
        return np.frombuffer(base64.b64decode(node["data"]), kind).reshape(node["shape"])
    if isinstance(node, dict):
        return {name: read(one) for name, one in node.items()}
    return [read(one) for one in node] if isinstance(node, list) else node


def asked(settings: LocalSettings) -> dict[str, Any]:
    return asdict(settings)


def gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference relative to the largest number; what is not finite must stand in the same places."""
    assert ours.shape == theirs.shape
    finite = np.isfinite(theirs)
    assert np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    ours, theirs = ours[finite], theirs[finite]
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-9)) if len(ours) else 0.0


@cache
def characters() -> list[str]:
    """All that Python's Unicode knows; later versions know more."""
    return [chr(i) for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i)) not in ("Cn", "Cs", "Co")]


# The hash


@pytest.mark.parametrize("parts", [["word", "the"], ["query", 2017], ["a🐱é", 0, 2**32 - 1], [""], [0], ["x" * 300]])
def test_the_hash_is_the_same_to_the_last_bit(lab: Lab, parts: list[Any]) -> None:
    key = hashing.number_of(*parts)
    found = lab.ask("""(parts) => {
        const { numberOf, uniformAt, normalAt } = lab.random;
        const key = numberOf(...parts);
        const row = (at) => lab.told(Float64Array.from({ length: 500 }, (_, i) => at(key, i)));
        return [key, row(uniformAt), row(normalAt)];
    }""", parts)  # fmt: skip
    assert found[0] == key
    assert np.array_equal(found[1], hashing.uniform(key, 500))
    assert np.array_equal(found[2], hashing.normal(key, 500))


def test_random_numbers_are_the_hashs_one_after_the_other(lab: Lab) -> None:
    uniform = hashing.uniform(hashing.number_of("random", 5), 400)
    found = lab.ask("""() => {
        const [one, other, third] = [5, 5, 5].map(lab.random.random);
        const list = ["a", "b", "c", "d", "e", "f"];
        return {
            uniform: Array.from({ length: 400 }, one.uniform),
            ints: Array.from({ length: 400 }, () => other.int(-2, 3)),
            normal: third.normal(), pick: third.pick(list), shuffled: third.shuffle(list), list,
        };
    }""")  # fmt: skip
    assert found["uniform"] == uniform.tolist()
    assert found["ints"] == [-2 + int(value * 6) for value in uniform]
    assert set(found["ints"]) == set(range(-2, 4))
    assert found["normal"] == uniform[:12].sum() - 6
    assert found["pick"] == "abcdef"[int(uniform[12] * 6)]
    assert found["list"] == list("abcdef")
    assert found["shuffled"] != found["list"]
    assert sorted(found["shuffled"]) == found["list"]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, None])
def test_what_is_no_seed_is_refused(lab: Lab, seed: Any) -> None:
    said = lab.ask("(seed) => { try { lab.random.numberOf(seed); } catch (error) { return String(error); } }", seed)
    assert said.startswith("RangeError: A seed is a whole number from 0 to 2³² − 1; got")


# Tokens


def test_every_letter_is_folded_alike(lab: Lab) -> None:
    every = characters()
    changed = "(all) => all.map((one) => [one, lab.words.folded(one)]).filter(([one, made]) => made !== one)"
    found = lab.ask_of_many(changed, every)
    assert len(found) > 1300
    assert dict(found) == {one: folded(one) for one in every if folded(one) != one}


@pytest.mark.parametrize(("word", "due"), [
    ("Straße", "strasse"), ("ΟΔΟΣ", "οδοσ"), ("οδος", "οδοσ"), ("İ", "i̇"), ("I", "i"),
])  # fmt: skip
def test_a_word_is_folded_so(lab: Lab, word: str, due: str) -> None:
    assert folded(word) == due
    assert lab.ask("(word) => lab.words.folded(word)", word) == due


def alike(lab: Lab, texts: list[str]) -> list[str]:
    """The texts that the two cut or write differently."""
    found = lab.ask_of_many("""(texts) => texts.map((text) => lab.words.tokensOf(text).map(
        ({ text: own, name, shown, span }) => [own, name, shown, text.slice(...span)]))""", texts)  # fmt: skip
    due = [[_written(token) for token in words(text)] for text in texts]
    return [text for text, ours, theirs in zip(texts, found, due, strict=True) if ours != theirs]


def _written(token: Token) -> list[str]:
    return [token.text, label(token, store.NAME_CHARS), visible(token.text), token.text]


def test_texts_are_cut_alike(lab: Lab) -> None:
    texts = [
        *SENTENCES, "", " \n\t ", "a\n", "\r\n\r", "don't can’t o'clock' 'x", "naïve cafe\u0301", "👩‍👩‍👧‍👦👍🏽 🇩🇪🇫🇷❤️#️⃣",
        "日本語のテキスト ラーメン", "1,000.5 3.14.15 1. 2,", "½Ⅳ①", "x\u202ey\u200bz", "क्षत्रिय हिन्दी", "ภาษาไทย กำ",
        "a" * 40,
        "e\u0301" * 30, "ﷺ العربية", "snake_case __init__ _", "Straße İstanbul ıI ΟΔΟΣ", "\x00\x07\x7f\x85",
        "tab\tand\x0bvertical\x0c", "a\u00adb", "𝒳𝒴 𝟙𝟚",
    ]  # fmt: skip
    assert alike(lab, texts) == []


def test_texts_of_all_characters_are_cut_alike(lab: Lab) -> None:
    """Each between letters, and beside a digit and a space."""
    every = [one for one in characters() if ord(one) < 0x3100 or ord(one) % 37 == 0]
    assert alike(lab, [f"a{one}b 1{one} {one}" for one in every]) == []


def test_texts_of_what_is_tricky_are_cut_alike(lab: Lab) -> None:
    chosen = random.Random(5)
    texts = ["".join(chosen.choices(TRICKY, k=chosen.randint(1, 12))) for _ in range(4000)]
    assert alike(lab, texts) == []


# Numbers


def test_the_settings_are_the_same(lab: Lab) -> None:
    usual = LocalSettings()
    found = lab.ask("() => ({ usual: lab.layer.DEFAULTS, ranges: lab.layer.RANGES })")
    assert found["usual"] == asked(usual)
    assert {name: tuple(found["ranges"][name]) for name in RANGES} == RANGES
    assert lab.ask("() => lab.layer.checked({ n_heads: 8 }).n_kv_heads") == LocalSettings(n_heads=8).n_kv_heads


@pytest.mark.parametrize("wrong", [
    {"d_model": 257}, {"d_model": 0}, {"d_model": 64.5}, {"n_heads": 17, "d_model": 34}, {"n_heads": 3},
    {"n_kv_heads": 3}, {"n_kv_heads": 8}, {"temperature": 0.01}, {"temperature": 21}, {"temperature": "2"},
    {"seed": -1}, {"seed": 10**9}, {"causal": 1}, {"scaled": None}, {"positions": "no"},
])  # fmt: skip
def test_what_makes_no_layer_is_refused_by_both(lab: Lab, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        LocalSettings(**wrong)
    said = lab.ask("(wrong) => { try { lab.layer.checked(wrong); } catch (error) { return String(error); } }", wrong)
    assert said.startswith("RangeError: ")
    assert said.endswith(".")


@pytest.mark.parametrize("line", LINES)
def test_what_enters_the_layer_is_the_same_to_the_last_bit(lab: Lab, line: str) -> None:
    settings = from_line(line)
    found = lab.ask("""([text, settings]) => {
        const { weights, x } = lab.made(text, settings);
        return lab.told({ weights, x });
    }""", [SENTENCES[0], asked(settings)])  # fmt: skip
    assert np.array_equal(found["x"], embed(words(SENTENCES[0]), settings).numpy())
    for name, weight in weights_of(build(settings)).items():
        assert np.array_equal(found["weights"][name], weight.numpy()), name


@pytest.mark.parametrize(("d_model", "n"), [(64, 300), (256, 400), (27, 40), (2, 2000)])
def test_positions_are_the_same_to_the_last_bit(lab: Lab, d_model: int, n: int) -> None:
    settings = LocalSettings(d_model=d_model, n_heads=1)
    text = " ".join("x" * n)
    embedded = "([text, settings]) => lab.told(lab.layer.embedded(lab.words.tokensOf(text), settings))"
    found = lab.ask(embedded, [text, asked(settings)])
    assert np.array_equal(found["x"], embed(words(text), settings).numpy())
    assert np.array_equal(found["words"] + found["positions"], found["x"])


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_step_is_that_of_mhsa(lab: Lab, line: str, sentence: str) -> None:
    settings = from_line(line)
    found = lab.ask("([text, settings]) => lab.told(lab.made(text, settings).pass)", [sentence, asked(settings)])
    layer = build(settings)
    with torch.no_grad():
        x = embed(words(sentence), settings)[None]
        made = layer.run(x)
        wide = {"Q": layer.to_query(x)[0], "K": layer.to_key(x)[0], "V": layer.to_value(x)[0]}
    steps = {name: step[0] for name, step in made.stages.steps}
    due = wide | {
        "query": made.query[0], "key": made.key[0], "value": made.value[0], "tempered": steps["scaled"], **steps,
        "heads": made.heads[0].transpose(0, 1), "concat": made.heads[0].flatten(1), "output": made.output[0],
    }  # fmt: skip
    assert set(due) == set(found) - {"allowed", "rule", "isEdited"}
    for name, step in due.items():
        assert gap(found[name], step.numpy()) < CLOSE, name
    assert found["rule"] == ("causal" if settings.causal else "open")


def test_keys_and_values_can_come_from_elsewhere(lab: Lab) -> None:
    settings = from_line("heads=8,kv=2,both")
    found = lab.ask("""([text, other, settings]) => {
        const context = lab.made(other, settings).x;
        const { pass, tokens } = lab.made(text, settings, { context });
        const run = lab.runs.runOf(tokens, pass, settings, { keyTokens: lab.words.tokensOf(other) });
        const checks = run.layers[0].heads.map((head) => lab.heads.check(run, 0, head));
        return lab.told({ pass, kind: run.kind, same: run.tokens.same, checks });
    }""", [SENTENCES[0], SENTENCES[1], asked(settings)])  # fmt: skip
    x, context = (embed(words(sentence), settings)[None] for sentence in SENTENCES[:2])
    with torch.no_grad():
        due = build(settings).run(x, context=context)
    assert gap(found["pass"]["weights"], due.stages.weights[0].numpy()) < CLOSE
    assert gap(found["pass"]["output"], due.output[0].numpy()) < CLOSE
    assert (found["kind"], found["same"]) == ("cross", False)
    assert all(one["ok"] for one in found["checks"])


def test_scores_can_be_edited_and_a_mask_of_ones_own_be_set(lab: Lab) -> None:
    found = lab.ask("""(text) => {
        const scores = (head, i, j, score) => (head === 1 && i === 4 && j === 2 ? score + 30 : score);
        const mask = (i, j) => (i + j) % 3 !== 1;
        const both = lab.made(text, {}, { scores, mask });
        const run = lab.runs.runOf(both.tokens, both.pass, {});
        const closed = lab.made(text, {}, { mask: (i, j) => i > 0 && j <= i });
        const masked = lab.made(text, {}, { mask });
        const shut = lab.runs.runOf(masked.tokens, masked.pass, {});
        const [edited, shown] = [lab.heads.head(run, 0, 1), lab.heads.head(shut, 0, 0)];
        return lab.told({
            pass: both.pass, closed: closed.pass.weights, names: edited.names, weights: edited.map("weights"),
            checks: [lab.heads.check(run, 0, 1), lab.heads.check(shut, 0, 0)],
            shown: shown.map("weights"), masked: masked.pass.weights,
        });
    }""", SENTENCES[0])  # fmt: skip
    layer, x = build(), embed(words(SENTENCES[0]))[None]
    with torch.no_grad():
        made = layer.run(x)
    n = x.shape[1]
    may = (torch.arange(n)[:, None] + torch.arange(n)) % 3 != 1
    scores = made.stages["scores"][0].clone()
    scores[1, 4, 2] += 30
    due = torch.where(may, scores * layer.scale, -torch.inf).softmax(-1)
    assert gap(found["pass"]["weights"], due.numpy()) < CLOSE
    assert found["pass"]["weights"][1, 4, 2] > 0.9
    assert found["names"] == ["masked", "weights"]
    assert np.array_equal(found["weights"], found["pass"]["weights"][1])
    assert gap(found["shown"], found["masked"][0]) < CLOSE
    assert all(one["ok"] for one in found["checks"])
    assert not found["closed"][:, 0].any(), "a row that may see nothing has no weights"


# The run


@pytest.mark.parametrize("line", LINES)
def test_the_run_is_what_the_server_would_send(lab: Lab, line: str) -> None:
    settings, sentence = from_line(line), SENTENCES[3]
    found = lab.ask("""([text, settings]) => {
        const { tokens, pass } = lab.made(text, settings);
        const run = lab.runs.runOf(tokens, pass, settings);
        const head = lab.heads.head(run, 0, 0);
        return lab.told({
            run, look: lab.runs.lookOf(run),
            checks: run.layers[0].heads.map((number) => lab.heads.check(run, 0, number)),
            steps: Object.fromEntries(head.names.map((name) => [name, head.map(name)])),
        });
    }""", [sentence, asked(settings)])  # fmt: skip
    trace = trace_local(sentence, settings)
    view, head = View(model="local", text=sentence, settings=settings), trace.head(0, 0)
    due = codec.parse(store.run(head, view))
    assert_alike(found["run"], due, "run")
    pinned = parts.default_query(head.query_tokens)
    look = codec.parse(store.look(head, view, pinned, seen=0, limit=len(trace.tokens), undo=False))
    names = {"run": "", "base": ""}
    assert found["look"] | names == look | names
    assert found["look"]["run"] == found["run"]["id"]
    assert all(one["ok"] for one in found["checks"])
    assert list(found["steps"]) == [name for name, _ in head.stages]
    for name, step in head.stages:
        assert gap(found["steps"][name], np.asarray(step)) < CLOSE, name


def assert_alike(ours: Any, theirs: Any, where: str) -> None:
    """The same tree, its numbers within rounding; names of runs aside."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for name in set(theirs) - {"id"} if where == "run" else theirs:
            assert_alike(ours[name], theirs[name], f"{where}.{name}")
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, where
        assert gap(ours, theirs) < CLOSE, where
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{where}[{i}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-12), where
    else:
        assert ours == theirs, where


def test_a_damaged_run_fails_its_check(lab: Lab) -> None:
    found = lab.ask("""(text) => {
        const { tokens, pass } = lab.made(text, {});
        const run = lab.runs.runOf(tokens, pass, {});
        run.layers[0].value[7] += 0.1;
        return lab.heads.check(run, 0, 0).ok;
    }""", SENTENCES[0])  # fmt: skip
    assert found is False


def test_runs_of_the_same_words_and_heads_have_one_name(lab: Lab) -> None:
    names = lab.ask("""(cases) => cases.map(([text, settings]) => {
        const { tokens, pass } = lab.made(text, settings);
        return lab.runs.runOf(tokens, pass, settings).id;
    })""", [["a b", {}], ["a b", {"seed": 7, "causal": False}], ["a c", {}], ["a b", {"n_heads": 2}]])  # fmt: skip
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_a_look_has_the_fields_of_a_view_and_no_others(lab: Lab) -> None:
    found = lab.ask("""(text) => {
        const { tokens, pass } = lab.made(text, {});
        const run = lab.runs.runOf(tokens, pass, {});
        const refused = () => { try { lab.runs.lookOf(run, { colour: 1 }); } catch (error) { return String(error); } };
        return { look: lab.runs.lookOf(run, { head: 2, query: 1 }, { seen: 4 }), refused: refused() };
    }""", SENTENCES[0])  # fmt: skip
    assert set(found["look"]["look"]) == set(store.SHOWN)
    assert (found["look"]["look"]["head"], found["look"]["look"]["query"], found["look"]["seen"]) == (2, 1, 4)
    assert found["refused"].startswith("RangeError: A look has no field “colour”; it has: layer,")


# Mistakes and checks


def test_the_mistakes_are_those_of_python_and_their_lines_stand_there(lab: Lab) -> None:
    told = lab.ask("() => lab.mistakes.MISTAKES")
    assert [one["name"] for one in told] == list(MISTAKES)
    source = [line.strip() for line in getsource(mistakes).splitlines()]
    for one in told:
        assert set(one) == {"name", "title", "wrong", "line", "right", "caught"}
        assert one["line"] in source, one["name"]
        assert one["caught"] in CHECKS
    right = {one["name"]: one["right"] for one in told}
    late = right.pop("late")  # two lines there
    assert late == 'weights = scores.masked_fill(~may, float("-inf")).softmax(dim=-1)'
    assert [line for line in right.values() if line not in source] == []


@pytest.mark.parametrize("mistake", ["", *MISTAKES])
@pytest.mark.parametrize("line", ["", "both", "heads=8,kv=2,temperature=2", "d=30,heads=5,unscaled"])
def test_a_mistake_makes_the_same_wrong_numbers(lab: Lab, mistake: str, line: str) -> None:
    settings = from_line(line)
    found = lab.ask(
        "([text, settings, mistake]) => lab.told(lab.made(text, settings, {}, mistake).pass)",
        [SENTENCES[0], asked(settings), mistake],
    )
    x = embed(words(SENTENCES[0]), settings)[None]
    due = run(x, weights_of(build(settings)), settings, mistake)
    for name, step in due.items():
        assert gap(found[name], step[0].numpy()) < 3 * CLOSE, name


def test_another_mistake_is_refused(lab: Lab) -> None:
    said = lab.ask("() => { try { lab.made('a b', {}, {}, 'typo'); } catch (error) { return String(error); } }")
    assert said.startswith("RangeError: There is no mistake “typo”; there are: transpose, axis,")


@pytest.mark.parametrize("line", ["", "both", "heads=8,kv=2,seed=7", "d=30,heads=5", "unplaced", "heads=1", "unscaled"])
def test_a_check_catches_the_same_mistakes(lab: Lab, line: str) -> None:
    settings = from_line(line)
    found = lab.ask("""([text, settings]) => {
        const { x, weights } = lab.made(text, settings);
        const right = lab.checks.checkAll(lab.layer.forward, x, weights, settings);
        const caught = Object.fromEntries(lab.mistakes.MISTAKES.map(
            ({ name }) => [name, lab.checks.catching(name, x, weights, settings)]));
        return { right, caught };
    }""", [SENTENCES[0], asked(settings)])  # fmt: skip
    x, weights = embed(words(SENTENCES[0]), settings)[None].double(), weights_of(build(settings).double())
    assert [one["name"] for one in found["right"]] == list(CHECKS)
    assert [one["name"] for one in found["right"] if one["holds"] is not True] == []
    assert [one["allowed"] for one in found["right"]] == [allowed for _, allowed in CHECKS.values()]
    assert [name for name, one in check_all(run, x, weights, settings).items() if one.holds is not True] == []
    assert found["caught"] == {name: catching(name, x, weights, settings) for name in MISTAKES}


def test_the_check_that_is_named_catches_its_mistake(lab: Lab) -> None:
    found = lab.ask("""(text) => {
        const { x, weights } = lab.made(text, {});
        return lab.mistakes.MISTAKES.map(({ name, caught }) => [caught, lab.checks.catching(name, x, weights, {})]);
    }""", SENTENCES[0])  # fmt: skip
    assert [one for one, all_found in found if one not in all_found] == []


def test_what_cannot_be_computed_or_told_says_so(lab: Lab) -> None:
    found = lab.ask("""() => {
        const one = lab.made("alone", {});
        const two = lab.made("not alone", {});
        const broken = () => { throw new RangeError("no matrix"); };
        return [
            lab.checks.check("rows", lab.layer.forward, one.x, one.weights, {}),
            lab.checks.check("rows", broken, two.x, two.weights, {}),
        ];
    }""")  # fmt: skip
    assert (found[0]["holds"], found[0]["words"]) == (None, "This needs two words.")
    assert (found[1]["holds"], found[1]["words"]) == (False, "It cannot be computed: no matrix")


@pytest.mark.parametrize("line", ["", "heads=8,kv=2,both,temperature=2", "d=30,heads=5,unscaled"])
def test_the_browsers_reference_is_torchs_with_biases(lab: Lab, line: str) -> None:
    """It shares no code with `forward`, and both take biases."""
    settings = from_line(line)
    found = lab.ask("""([text, settings]) => {
        const { x, weights } = lab.made(text, settings);
        for (const name of ["query", "key", "value", "output"]) {
            const length = weights[name].shape[1];
            weights[`${name}_bias`] = Float32Array.from({ length }, (_, i) => ((i % 5) - 2) / 4);
        }
        return lab.told([lab.checks.reference(x, weights, settings), lab.layer.forward(x, weights, settings).output]);
    }""", [SENTENCES[0], asked(settings)])  # fmt: skip
    weights = weights_of(build(settings))
    weights |= {f"{name}_bias": (torch.arange(one.shape[1]) % 5 - 2) / 4 for name, one in weights.items()}
    due = selfchecks.reference(embed(words(SENTENCES[0]), settings)[None], weights, settings)[0].numpy()
    for made in found:
        assert gap(made, due) < CLOSE
