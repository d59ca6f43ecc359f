"""What the app brings with it is under licences that are known, and the page of them says what is installed."""

from functools import cache

from packaging.requirements import Requirement

from tests.test_docs import read, rows
from tools.licences import ALLOWED, IN_ITS_FILE, closure, document, foreign, licences, parts, pinned

stated = cache(licences)


def test_the_page_is_what_make_licences_writes():
    assert read("docs/licences.md") == document(stated())


def test_the_page_names_exactly_what_is_pinned():
    lines = [line for line in read("requirements.txt").splitlines() if line and not line.startswith("#")]
    assert len(pinned()) == len(lines)
    assert set(rows(read("docs/licences.md"))) - {"package", "---"} == set(pinned())
    assert {name: row[0] for name, row in rows(read("docs/licences.md")).items() if name in pinned()} == pinned()
    assert all(str(Requirement(line).specifier).startswith("==") for line in lines)


def test_all_that_the_app_brings_is_under_a_licence_of_the_list():
    names = closure()
    assert set(pinned()) <= names
    assert {"starlette", "markupsafe"} <= names
    assert not {"pytest", "ruff", "hypothesis"} & names
    assert foreign({name: stated()[name] for name in names}) == {}


def test_what_only_a_licences_text_says_is_there():
    from importlib.metadata import distribution

    begins = {"MIT": "Permission is hereby granted, free of charge, to any person obtaining a"}
    for name, licence in IN_ITS_FILE.items():
        told = distribution(name)
        texts = [str(file.locate().read_text()) for file in told.files or () if file.name == "LICENSE"]
        assert any(begins[licence] in text for text in texts)
        assert not told.metadata.get("License-Expression")


def test_a_foreign_licence_is_found():
    said = {"a": "MIT", "b": "GPL-3.0-only", "c": "MIT AND AGPL-3.0", "d": "UNKNOWN", "e": "BSD License; MIT License"}
    assert set(foreign(said)) == {"b", "c", "d"}


def test_expressions_are_taken_apart():
    assert parts("(MIT OR Apache-2.0) AND 0BSD") == {"MIT", "Apache-2.0", "0BSD"}
    assert parts("Apache-2.0 WITH LLVM-exception") <= ALLOWED
    assert parts("ISC License (ISCL)") == {"ISC License (ISCL)"}


def test_what_is_not_ours_in_the_repository_has_its_licence_beside_it():
    assert "MIT" in read("static/plotly.LICENSE")
    assert "sil open font license" in read("static/fonts/OFL.txt").lower()
