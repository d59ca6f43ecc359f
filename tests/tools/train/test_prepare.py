"""Texts → corpus → tokenizer: what is kept apart, what is one token, what a folder may be."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from tools.train import corpus, tokenizer


def test_a_held_out_run_comes_out_of_the_middle():
    learned, kept = corpus.split([str(number) for number in range(100)])
    assert kept == ["49", "50"]
    assert learned == [str(number) for number in range(100) if number not in (49, 50)]


def test_wrapped_lines_become_one_paragraph():
    assert corpus.paragraphs("It was\nlate.\n\nShe  slept.") == ["It was late.", "She slept."]


def test_one_packed_file_is_cut_by_its_manifest(tmp_path: Path):
    first, second = "Ein Hund.\n" * 5, "Zwei Katzen.\n" * 7
    (tmp_path / "all.txt.xz").write_bytes(lzma.compress((first + second).encode()))
    rows = ["file\ttitle\tauthor\tyear\tgutenberg_id\tbytes"]
    rows += [f"a.txt\tDogs\tA\t1900\t11\t{len(first)}", f"b.txt\tCats\tB\t1901\t13\t{len(second)}"]
    (tmp_path / "manifest.tsv").write_text("\n".join(rows), "utf-8")
    found = list(corpus.read_books(tmp_path))
    assert [(book.title, book.gutenberg_id) for book, _ in found] == [("Dogs", "11"), ("Cats", "13")]
    assert [text for _, text in found] == [first, second]


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"holds no \.txt file; give a folder of texts"):
        corpus.prepare(tmp_path, tmp_path / "out")


def test_everyday_words_are_one_token_and_text_comes_back(build: Path):
    made = tokenizer.learn(["The cat sat on the mat because it was tired."] * 9, size=900)
    assert made.encode("The cat sat on the mat", add_special_tokens=False).tokens[-1] == "Ġmat"
    text = "Zwölf Boxkämpfer, 3 dogs\n"
    assert made.decode(made.encode(text).ids) == text


def test_ids_divide_paragraphs_and_books(build: Path):
    ids = np.load(build / "tokenizer" / "train.npy")
    books = json.loads((build / "corpus" / "books.json").read_text("utf-8"))
    assert (ids == tokenizer.END_ID).sum() == len(books) == 2
    assert ids.dtype == np.uint16


def test_the_finished_tokenizer_frames_a_text(build: Path):
    made = tokenizer.load(build / "tokenizer")
    decoder = tokenizer.finished(made, both_ends=False, longest=64)
    encoder = tokenizer.finished(made, both_ends=True, longest=64)
    assert decoder("The")["input_ids"][0] == tokenizer.BEGIN_ID
    assert encoder("The")["input_ids"][-1] == tokenizer.END_ID
    assert encoder.mask_token_id == tokenizer.MASK_ID
    blank = encoder("One <mask> day")["input_ids"]
    assert encoder.convert_ids_to_tokens(blank)[-3:] != ["Ġ", "<mask>"]
    assert len(blank) == len(encoder("One")["input_ids"]) + 1 + len(encoder(" day")["input_ids"]) - 2
