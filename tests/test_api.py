"""`attention.trace` as a person calls it: ids of models, folders, loaded models; strings, pairs, ids and tensors."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import attention
from attention.config import Limits
from attention.errors import InputError, ModelError, NoSuchHeadError, TooLongError
from attention.prompt import Prompt
from tests import small_models
from tests.tiny import build, ids, own_attentions, own_map

TEXT = "The cat sat on the mat because it was tired."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """One saved twin of each family in the catalogue."""
    root = tmp_path_factory.mktemp("models")
    return {family: small_models.save(family, root / family) for family in small_models.FAMILIES}


def test_importing_the_package_pulls_in_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "plotly", "streamlit", "numpy")
    code = f"import sys, attention; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert set(attention.__all__) <= set(dir(attention))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'; it has: AttentionRecord"):
        _ = attention.nothing


def test_the_embedded_default() -> None:
    trace = attention.trace("local", TEXT)
    assert [str(token) for token in trace.tokens] == [*TEXT[:-1].split(), "."]
    assert trace.model.trained is False
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    for head in range(4):
        view = trace.head(0, head)
        assert view.error.ok
        assert {"weights", "output", "own output", "contributions"} == set(view.error.parts)
    again = attention.trace("local", TEXT).head(0, 2)
    assert np.array_equal(again.weights, trace.head(0, 2).weights)
    assert trace.head(0, 0).weights.max(-1)[3:].mean() > 1.5 / 8  # far from uniform


def test_the_same_word_at_another_place_differs_by_position_alone() -> None:
    from attention.local import embed, sinusoids
    from attention.tokens import words

    x = embed(words("cat dog Cat"))
    assert torch.allclose(x[0] - x[2], (sinusoids(3, 64)[0] - sinusoids(3, 64)[2]), atol=1e-6)


def test_sinusoids_depend_on_distance_alone() -> None:
    from attention.local import sinusoids

    position = sinusoids(40, 64).double()
    products = position @ position.T
    for distance in (0, 1, 7):
        line = torch.diagonal(products, distance)
        assert torch.allclose(line, line[0].expand_as(line), atol=1e-5)


def test_a_trace_knows_what_decided_it(folders: dict[str, Path]) -> None:
    assert attention.trace("local", TEXT).prompt == Prompt(model="local", text=TEXT)
    folder = str(folders["bert"])
    for model in (folder, folders["bert"]):
        trace = attention.trace(model, "The cat sat.", "It was tired.")
        assert trace.prompt == Prompt(model=folder, text="The cat sat.", pair="It was tired.")
    assert attention.trace(folder, [1, 2, 3]).prompt is None
    assert attention.trace(folder, ["The", "cat"]).prompt is None
    assert attention.trace(folder, [1, 2, 3], attention_mask=[1, 1, 0]).prompt is None
    assert attention.trace(folders["t5"], "The cat", "").prompt is None, "a start token alone is no second text"


@pytest.mark.parametrize("family", small_models.FAMILIES)
def test_every_family_goes_from_its_folder_to_checked_heads(folders: dict[str, Path], family: str) -> None:
    trace = attention.trace(str(folders[family]), TEXT)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert "".join(token.text for token in trace.tokens if not token.special).replace(" ", "").lower() == (
        TEXT.replace(" ", "").lower()
    )
    for kind in trace.kinds:
        for layer, record in trace.records(kind).items():
            view = trace.head(layer, record.n_heads - 1, kind)
            assert view.error.ok
            assert not view.error.unchecked
            assert "contributions" in view.error.parts
            assert len(view.query_tokens) == record.n_q
            assert len(view.key_tokens) == record.n_k


def test_a_sentence_pair_enters_an_encoder_together(folders: dict[str, Path]) -> None:
    trace = attention.trace(str(folders["bert"]), "The cat sat.", "It was tired.")
    assert {token.segment for token in trace.tokens} == {0, 1}
    assert trace.pair_tokens == ()
    assert trace.head(0, 0).error.ok


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_target_enters_the_decoder_after_its_start_token(folders: dict[str, Path], family: str) -> None:
    from transformers import AutoModelForSeq2SeqLM

    model = AutoModelForSeq2SeqLM.from_pretrained(folders[family])
    trace = attention.trace(model, "The cat sat.", "Le chat dort.", tokenizer=small_models.tokenizer(family))
    entered = [token.id for token in trace.pair_tokens]
    assert entered[0] == model.config.decoder_start_token_id
    assert entered[-1] != model.config.eos_token_id
    assert trace.head(0, 0, "cross").weights.shape == (len(entered), len(trace.tokens))
    own = own_attentions(model, [token.id for token in trace.tokens], entered)
    for kind in trace.kinds:
        assert np.abs(trace.head(1, 1, kind).weights - own_map(own, kind)[1][0, 1].numpy()).max() < 1e-4


FORMS = [list, tuple, torch.tensor, np.array, lambda i: torch.tensor([i]), lambda i: list(np.array(i))]


@pytest.mark.parametrize("form", FORMS)
def test_ids_enter_as_they_are(form: Callable[[list[int]], object]) -> None:
    model = build("gpt2", "decoder")
    trace = attention.trace(model, form(ids(7)))
    assert [token.id for token in trace.tokens] == ids(7)
    assert str(trace.tokens[0]) == f"#{ids(7)[0]}"


def test_a_loaded_model_with_a_tokenizer(folders: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folders["gpt2"])
    trace = attention.trace(model, TEXT, tokenizer=small_models.tokenizer("gpt2"))
    same = attention.trace(str(folders["gpt2"]), TEXT)
    assert np.abs(trace.head(1, 1).weights - same.head(1, 1).weights).max() < 1e-6
    with pytest.raises(InputError, match="pass tokenizer="):
        attention.trace(model, TEXT)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ([], InputError, "the text is empty"),
        ([5, 101], InputError, "id 101 is outside this model's vocabulary of 0 to 100"),
        ([-1], InputError, "vocabulary|at least 0"),
        ([1.5], InputError, "whole numbers"),
        (torch.ones(2, 3), InputError, "1-D tensor"),
        ([True, False], InputError, "whole numbers"),
        (5, InputError, "whole numbers"),
        (None, InputError, "whole numbers"),
        (torch.tensor(5), InputError, "whole numbers"),
        (ids(129), TooLongError, "129 tokens; this model takes at most 128"),
    ],
)
def test_ids_that_cannot_enter_are_refused(text: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        attention.trace(build("gpt2", "decoder"), text)


def test_what_does_not_fit_the_model_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="reads one text"):
        attention.trace(str(folders["gpt2"]), "one", "two")
    with pytest.raises(InputError, match="takes one text"):
        attention.trace("local", "one", "two")
    with pytest.raises(InputError, match="reads words, not ids"):
        attention.trace("local", [1, 2])
    with pytest.raises(InputError, match="no word to look at"):
        attention.trace("local", " \n\t ")
    with pytest.raises(InputError, match="one list of ids that holds both"):
        attention.trace(build("bert", "encoder"), ids(3), ids(4))
    with pytest.raises(InputError, match="2 entries for 3 tokens"):
        attention.trace(build("bert", "encoder"), ids(3), attention_mask=[1, 1])


def test_what_is_no_model_is_refused(folders: dict[str, Path]) -> None:
    for wrong in (None, torch.nn.Linear(2, 3), 5):
        with pytest.raises(InputError, match="an id, a folder or a transformers PreTrainedModel"):
            attention.trace(wrong, TEXT)
    with pytest.raises(InputError, match="pair has no ids"):
        attention.trace(build("t5", "both"), ids(3), [])
    assert attention.trace(folders["gpt2"], TEXT).head(0, 0).error.ok  # a Path


def test_mbarts_target_is_turned_round() -> None:
    import transformers

    model, fast = build("mbart", "both", vocab_size=400), small_models.tokenizer("marian")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=fast.backend_tokenizer, pad_token="<pad>")
    labels = fast(text_target="Le chat dort.")["input_ids"]
    trace = attention.trace(model, [5, 6, 7], "Le chat dort.", tokenizer=fast)
    own = model.prepare_decoder_input_ids_from_labels(torch.tensor([labels]))[0].tolist()
    assert [token.id for token in trace.pair_tokens] == own


def test_limits_of_a_page_hold(folders: dict[str, Path]) -> None:
    few = Limits(max_tokens=3, model_folder=str(folders["gpt2"].parent))
    with pytest.raises(TooLongError, match="the limit here is 3"):
        attention.trace(str(folders["gpt2"]), TEXT, limits=few)
    with pytest.raises(TooLongError, match="the limit here is 3"):
        attention.trace("local", TEXT, limits=few)
    with pytest.raises(ModelError, match="switched off"):
        attention.trace(str(folders["gpt2"]), TEXT, limits=Limits())
    with pytest.raises(ModelError, match="outside the folder"):
        attention.trace(str(folders["gpt2"]), TEXT, limits=Limits(model_folder=str(folders["bert"])))


def test_the_limits_that_are_given_count_and_not_the_environments(tmp_path: Path) -> None:
    for run in (attention.trace, attention.predict, attention.generate):
        with pytest.raises(ModelError, match="1 MB are allowed"):
            run("storyteller", TEXT, limits=Limits(max_model_mb=1))
        assert run("storyteller", TEXT, limits=Limits(max_tokens=99))
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    config = {"peft_type": "LORA", "base_model_name_or_path": "owner/unlisted", "target_modules": ["q_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file({"base_model.model.x.lora_A.weight": torch.zeros(2, 3)}, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="owner/unlisted is not among the models"):
        attention.trace("./adapter", TEXT, limits=Limits(any_model=False, model_folder=str(tmp_path)))



def test_limits_that_differ_in_nothing_that_loading_needs_share_the_models() -> None:
    from attention.source import loading

    shared = loading._pool(None, None)
    assert loading._pool(replace(shared.limits, max_tokens=7, max_characters=9), None) is shared
    other = loading._pool(replace(shared.limits, max_model_mb=7), None)
    assert other is not shared
    assert other is loading._pool(replace(shared.limits, max_model_mb=7, max_tokens=8), None)


def test_a_model_of_the_hosts_folder_is_opened_by_the_id_that_the_page_has_for_it(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folders["gpt2"].parent
    (tmp_path / "bert").symlink_to(folders["gpt2"])
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(root))
    monkeypatch.chdir(tmp_path)
    found = attention.trace(f"./{folders['t5'].name}", TEXT, "a")
    assert (found.model.name, found.model.architecture) == (folders["t5"].name, "T5ForConditionalGeneration")
    # A folder that lies here goes first, as ever.
    assert attention.trace("./bert", TEXT).model.architecture == "GPT2LMHeadModel"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert attention.trace("~/bert", TEXT).model.architecture == "GPT2LMHeadModel"
    with pytest.raises(ModelError, match="There is no folder"):
        attention.trace("./../elsewhere", TEXT)


@pytest.mark.parametrize(
    ("family", "text", "pair", "most", "of"),
    [
        ("gpt2", TEXT, None, 5, "text"), ("bert", TEXT, None, 5, "text"), ("bert", "The cat", TEXT, 9, "pair"),
        ("local", TEXT, None, 3, "text"),
    ],
)  # fmt: skip
def test_a_refused_text_comes_with_the_beginning_that_would_be_taken(
    folders: dict[str, Path], family: str, text: str, pair: str | None, most: int, of: str
) -> None:
    limits = Limits(max_tokens=most, model_folder=str(folders["gpt2"].parent))
    model = str(folders.get(family, family))
    with pytest.raises(TooLongError, match=f"the limit here is {most}") as refused:
        attention.trace(model, text, pair, limits=limits)
    found = refused.value.beginning
    assert found is not None
    assert (found.of, found.size) == (of, f"{most} tokens")
    given = {"text": text, "pair": pair} | {of: found.text}
    assert {"text": text, "pair": pair}[of].startswith(found.text)
    assert len(attention.trace(model, given["text"], given["pair"], limits=limits).tokens) == most


def test_what_only_the_model_cannot_take_has_a_beginning_too(folders: dict[str, Path]) -> None:
    limits = Limits(max_tokens=10_000, model_folder=str(folders["gpt2"].parent))
    with pytest.raises(TooLongError, match="this model takes at most") as refused:
        attention.trace(str(folders["gpt2"]), "a b " * 200, limits=limits)
    assert refused.value.beginning is not None
    trace = attention.trace(str(folders["gpt2"]), refused.value.beginning.text, limits=limits)
    assert len(trace.tokens) == trace.model.max_tokens < 200


def test_layers_and_heads_that_do_not_exist_say_which_do() -> None:
    trace = attention.trace(build("recurrent_gemma", "decoder"), ids(5))
    with pytest.raises(NoSuchHeadError, match="Layer 0 has no decoder attention; layers with it: 2"):
        trace.head(0, 0)


def test_roberta_positions_are_counted_from_after_padding() -> None:
    model = build("roberta", "encoder", max_position_embeddings=16, pad_token_id=1)
    assert attention.trace(model, ids(14)).head(0, 0).error.ok
    with pytest.raises(TooLongError, match="15 tokens; this model takes at most 14"):
        attention.trace(model, ids(15))


def test_progress_is_told(folders: dict[str, Path]) -> None:
    told: list[str] = []
    limits = Limits(model_folder=str(folders["gpt2"].parent))
    attention.trace(str(folders["gpt2"]), TEXT, limits=limits, on_progress=lambda words, share: told.append(words))
    assert told == ["Loading gpt2", "Running gpt2"]


def test_the_local_model_is_float32_whatever_the_default_type_is() -> None:
    before = attention.trace("local", TEXT).head(0, 1).weights
    torch.set_default_dtype(torch.bfloat16)
    try:
        trace = attention.trace("local", TEXT)
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(trace.head(0, 1).weights, before)
    assert trace.fidelity is not None
    assert trace.fidelity.ok


def test_every_public_name_is_there_and_is_what_it_says() -> None:
    assert sorted(attention.__all__) == attention.__all__
    for name in attention.__all__:
        assert getattr(attention, name).__name__ == name
    assert set(attention._HOME) == set(attention.__all__)


REPEATED = "The red door opens slowly. The red door opens slowly."


def test_patterns_are_a_table() -> None:
    import pandas

    from attention.analysis import patterns as analysis
    from attention.analysis.table import HeadPattern

    trace = attention.trace("storyteller", REPEATED)
    rows = attention.patterns(trace)
    scores = analysis.score_trace(trace)
    for name in ("previous token", "induction", "uniform"):
        ours = [(row.layer, row.head, row.score, row.even, row.way, row.rows) for row in rows if row.pattern == name]
        hits = [(hit.layer, hit.head, hit.score, hit.base, hit.way, hit.rows) for hit in analysis.rank(scores, name)]
        np.testing.assert_equal(ours, hits)
        assert len(ours) == 24
    assert not any(row.pattern == "separator" for row in rows)  # there is none to look at
    named = {(row.layer, row.head): row.pattern for row in rows if row.named}
    for layer in range(4):
        for head in range(6):
            assert named.get((layer, head), "mixed") == analysis.name_of(scores, layer, head)
    few = attention.patterns(trace, least=0.4)
    assert few == [row for row in rows if row.way >= 0.4]
    frame = pandas.DataFrame(rows)
    assert list(frame.columns) == [field.name for field in fields(HeadPattern)]
    assert frame.loc[0].to_dict() == asdict(rows[0])


def test_patterns_of_a_kind() -> None:
    trace = attention.trace("dates", "May 3, 1998", "1998-05-03")
    assert {row.kind for row in attention.patterns(trace, "cross")} == {"cross"}
    assert {row.kind for row in attention.patterns(trace)} == {"decoder"}
    with pytest.raises(NoSuchHeadError, match="it has: decoder"):
        attention.patterns(attention.trace("storyteller", TEXT), "cross")


def test_a_file_of_each_kind_for_a_loaded_model_and_for_own_tensors(tmp_path: Path) -> None:
    loaded = attention.trace(build("gpt2", "decoder"), ids(7)).head(1, 2)
    query, key, value = torch.randn(3, 2, 5, 4)
    own = attention.Trace.from_tensors(query=query, key=key, value=value, causal=True, tokens=list("abcde")).head(0, 1)
    for name, head in (("loaded", loaded), ("own", own)):
        for ending in (".html", ".svg", ".pdf", ".png", ".csv", ".json", ".npz"):
            path = tmp_path / f"{name}{ending.upper()}"
            assert attention.save(head, str(path)) == path
            assert path.stat().st_size > 200
        json.loads((tmp_path / f"{name}.JSON").read_bytes())
        back = attention.load(tmp_path / f"{name}.NPZ")
        assert back.id == head.trace.id
        assert [str(token) for token in back.tokens] == [str(token) for token in head.trace.tokens]
        same = back.head(head.layer, head.head)
        for part in ("weights", "output", "scores"):
            assert np.array_equal(getattr(same, part), getattr(head, part))
        assert same.error.ok == head.error.ok


def test_a_whole_trace_and_a_head_of_it_are_the_same_file(tmp_path: Path) -> None:
    trace = attention.trace("storyteller", TEXT)
    chosen = attention.View(model="storyteller", text=TEXT, layer=2, head=3)
    written = []
    for name, what in (("head", trace.head(2, 3)), ("view", trace)):
        given = {"view": chosen} if what is trace else {}
        paths = [attention.save(what, tmp_path / f"{name}{end}", **given) for end in (".csv", ".svg", ".png")]
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    first = attention.save(trace.head(0, 0), tmp_path / "first.csv").read_bytes()
    assert first != written[0][0]


def test_a_head_that_is_given_goes_before_the_views(tmp_path: Path) -> None:
    trace = attention.trace("dates", "May 3, 1998")
    head, view = trace.head(1, 2, "cross"), attention.View(model="dates", query=2)
    told = json.loads(attention.save(head, tmp_path / "a.json", view=view).read_text(encoding="utf-8"))
    assert (told["head"]["kind"], told["head"]["layer"], told["head"]["head"]) == ("cross", 1, 2)
    assert told["view"]["query"] == "2"
    np.testing.assert_array_equal(np.array(told["head"]["weights"], np.float32), head.weights)
    with np.load(attention.save(head, tmp_path / "a.npz", view=view)) as file:
        np.testing.assert_array_equal(file["weights"], head.weights)
    drawn = [attention.save(head, tmp_path / f"{n}.svg", **given) for n, given in enumerate(({"view": view}, {}))]
    assert all("layer 1, head 2 (cross)" in path.read_text(encoding="utf-8") for path in drawn)
    with pytest.raises(InputError, match="The view names query 99"):
        attention.save(head, tmp_path / "b.json", view=attention.View(query=99))


def test_a_layers_second_operation_is_saved_as_itself(tmp_path: Path) -> None:
    trace = attention.trace("storyteller", TEXT)
    second = replace(trace.record(2), layer=1, op=1)
    head = replace(trace, all_records=(*trace.all_records, second)).head(1, 3, op=1)
    told = json.loads(attention.save(head, tmp_path / "a.json").read_text(encoding="utf-8"))
    weights = np.array([[w or 0.0 for w in row] for row in told["head"]["weights"]], np.float32)
    np.testing.assert_array_equal(weights, trace.head(2, 3).weights)
    assert not np.array_equal(weights, trace.head(1, 3).weights)
    assert told["provenance"]["checks"]["heads"][0]["op"] == 1


def test_what_is_neither_a_trace_nor_a_head_is_refused_in_words() -> None:
    trace = attention.trace("local", "The cat sat.")
    with pytest.raises(InputError, match=r"takes one head, trace.head\(layer, head\); got Trace"):
        attention.figure(trace)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="takes a Trace, which has all heads; got HeadView"):
        attention.patterns(trace.head(0, 0))  # type: ignore[arg-type]


def test_files_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    trace = attention.trace("local", "The cat sat.")
    with pytest.raises(InputError, match=r"'a.jpg' must end in one of: .html \(an interactive page\), .npz"):
        attention.save(trace, tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"must end in one of"):
        attention.save(trace, "npz")
    for ending in (".svg", ".pdf", ".png", ".csv", ".json"):
        with pytest.raises(InputError, match=r"of one head: give trace.head\(layer, head\), or view="):
            attention.save(trace, tmp_path / f"a{ending}")
    with pytest.raises(InputError, match="takes a Trace or a HeadView; got str"):
        attention.save("trace", tmp_path / "a.npz")  # type: ignore[arg-type]
    with pytest.raises(NoSuchHeadError, match="heads 0 to 3"):
        attention.save(trace, tmp_path / "a.csv", view=attention.View(head=9))
    with pytest.raises(InputError, match="there are: weights"):
        attention.save(trace.head(0, 0), tmp_path / "a.csv", what="nonsense")
    with pytest.raises(InputError, match=r"cannot be written: No such file"):
        attention.save(trace, tmp_path / "none" / "a.npz")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="the one kind of file that is read back"):
        attention.load(tmp_path / "a.json")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        attention.load(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError):
        attention.load(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(bytes(1_000_001))
    with pytest.raises(InputError, match="larger than the 1 MB that are read"):
        attention.load(tmp_path / "b.npz", limits=Limits(file_mb=1))


def test_limits_of_a_file_that_is_read(tmp_path: Path) -> None:
    path = attention.save(attention.trace("local", "one two three four five"), tmp_path / "a.npz")
    assert len(attention.load(path).tokens) == 5
    with pytest.raises(TooLongError):
        attention.load(path, limits=Limits(max_tokens=4))


def test_many_tokens_that_are_allowed_may_have_a_long_text(tmp_path: Path) -> None:
    rows = torch.randn(1, 1200, 1)
    tokens = [f"token{i:015}" for i in range(1200)]
    trace = attention.Trace.from_tensors(query=rows, key=rows, causal=True, tokens=tokens)
    path = attention.save(trace, tmp_path / "a.npz")
    limits = Limits(max_tokens=1200)
    assert sum(len(str(token)) for token in trace.tokens) > limits.max_characters
    assert attention.load(path, limits=limits).id == trace.id


@pytest.mark.parametrize(
    ("model", "text", "pair", "expected"),
    [
        ("storyteller", "The cat  sat,\nshe said — oh.", None, ("The cat  sat,\nshe said — oh.", "")),
        ("cloze", "The cat sat ___ it.", "It was warm.", ("The cat sat ___ it.", "It was warm.")),
        ("local", "Three   words, here", None, ("Three   words, here", "")),
    ],
)
def test_a_file_opens_on_the_text_that_was_traced(
    model: str, text: str, pair: str | None, expected: tuple[str, str]
) -> None:
    from attention.export.files import view_of

    view = view_of(attention.trace(model, text, pair), None)
    # Without its places a line break is a space.
    assert (view.text.replace("\n", " "), view.pair) == (expected[0].replace("\n", " "), expected[1])
    assert (view.model, view.layer, view.head) == (model, 0, 0)
