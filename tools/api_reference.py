"""docs/api.md from the docstrings of the public names: `make docs` writes it, a test demands that it is current.

griffe reads the source; nothing is imported. Docstrings here describe arguments in prose, "name: what it is. other: …";
that prose becomes a list, and everything else stays as it is written.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "api.md"
WIDTH = 88
# Signs that Markdown would take for its own; inside a word an underscore is none.
MARKUP = re.compile(r"[*<\[\]\\]|(?<![^\W_])_|_(?![^\W_])")
LONG = ("Limits",)  # whose signature says nothing that its list does not
# What the functions return or take and what stands in a trace, but is not needed by name: where it is from.
RECORDS = (
    "attention.prompt.Prompt",
    "attention.record.facts.Token",
    "attention.record.facts.ModelFacts",
    "attention.record.rules.Mask",
    "attention.record.rules.PositionBias",
    "attention.record.checks.HeadError",
    "attention.record.checks.Difference",
    "attention.record.checks.Fidelity",
    "attention.analysis.table.HeadPattern",
    "attention.analysis.words.WordMap",
    "attention.analysis.words.Word",
    "attention.prediction.results.Predictions",
    "attention.prediction.results.Prediction",
    "attention.prediction.results.Candidate",
    "attention.prediction.continuation.Continuation",
)
HEAD = """# API reference

Made from the docstrings by `make docs`; edit those. [own-model.md](own-model.md) shows the functions at work, and
[command-line.md](command-line.md) the same without Python.

Shape letters: n_q query tokens, n_k key tokens, h heads, g key-value heads (g divides h), d width of a query or key,
v width of a value, m width of the model. Layers, heads and tokens count from 0. All arrays that a head gives are
read-only float32.
"""


def main() -> None:
    """Write the reference."""
    FILE.write_text(reference(), encoding="utf-8")


def reference() -> str:
    """The whole document."""
    functions, classes = public()
    records = [_found(path) for path in RECORDS]
    parts = [HEAD, _contents(functions, classes, records)]
    parts += ["## Functions\n", *map(_function, functions)]
    parts += ["## Classes\n", *map(_class, classes)]
    parts += ["## Records\n", "What the functions return and a trace holds.\n", *map(_class, records)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def public() -> tuple[list[griffe.Function], list[griffe.Class]]:
    """The functions and the classes that `attention.__all__` names, each with its own source."""
    package = _package()
    homes = ast.literal_eval(str(package["_HOME"].value))
    found = [_found(f"{homes[name]}.{name}") for name in ast.literal_eval(str(package["__all__"].value))]
    functions = [one for one in found if isinstance(one, griffe.Function)]
    return functions, [one for one in found if isinstance(one, griffe.Class)]


def members(owner: griffe.Class) -> list[griffe.Function | griffe.Attribute]:
    """What a class has of its own and in public, in the order of its source."""
    own = [one for name, one in owner.members.items() if not name.startswith("_")]
    return [one for one in own if isinstance(one, griffe.Function | griffe.Attribute)]


def _found(path: str) -> griffe.Object:
    """A name's own source, whatever module hands it on."""
    found = _package()[path.removeprefix("attention.")]
    return found.final_target if found.is_alias else found  # type: ignore[union-attr, return-value]


@cache
def _package() -> griffe.Module:
    return griffe.load("attention", search_paths=[str(ROOT)], submodules=True)  # type: ignore[return-value]


def _contents(*groups: Sequence[griffe.Object]) -> str:
    """Links to all names, a line a group."""
    lines = [", ".join(f"[`{one.name}`](#{_anchor(one)})" for one in group) for group in groups]
    titles = ("Functions", "Classes", "Records")
    return "".join(f"- {title}: {line}\n" for title, line in zip(titles, lines, strict=True))


def _anchor(one: griffe.Object) -> str:
    return re.sub(r"[^a-z0-9_-]", "", _title(one).lower())


def _title(one: griffe.Object) -> str:
    return f"attention.{one.name}" if isinstance(one, griffe.Function) else one.name


def _function(one: griffe.Function) -> str:
    names = [parameter.name for parameter in one.parameters]
    return f"### {_title(one)}\n\n{_code(signature(one))}\n{_prose(one, names)}"


def _class(one: griffe.Class) -> str:
    own = members(one)
    made = one.members.get("__init__")
    called = [parameter.name for parameter in made.parameters] if isinstance(made, griffe.Function) else []
    fields = [each.name for each in own if isinstance(each, griffe.Attribute)]
    head = f"### {_title(one)}\n\n"
    if isinstance(made, griffe.Function) and one.name not in LONG:
        head += _code(signature(made, called=one.name)) + "\n"
    # A field stands in the signature, and is described with the class; what follows is what is computed.
    told = [_attribute(each) for each in own if isinstance(each, griffe.Attribute) and (_said(each) or not called)]
    methods = [_method(one, each) for each in own if isinstance(each, griffe.Function)]
    told = ["Properties:\n", *told] if told and called else told
    return "\n".join([head + _prose(one, fields + called), *told, *methods]) + "\n"


def _attribute(one: griffe.Attribute) -> str:
    kind = f": `{one.annotation}`" if one.annotation is not None else ""
    return f"- `{one.name}`{kind}. {escape(_said(one))}".rstrip(". ") + "."


def _said(one: griffe.Attribute) -> str:
    return _help(one) or ("" if one.docstring is None else " ".join(one.docstring.value.split()))


def _method(owner: griffe.Class, one: griffe.Function) -> str:
    text = _prose(one, [parameter.name for parameter in one.parameters])
    called = f"{owner.name}.{one.name}" if "classmethod" in one.labels else one.name
    return f"\n#### {owner.name}.{one.name}\n\n{_code(signature(one, called))}\n{text}"


def _help(one: griffe.Attribute) -> str:
    """The sentence that a limit is declared with."""
    call = one.value
    if not isinstance(call, griffe.ExprCall) or str(call.function) != "_limit":
        return ""
    sentence = str(ast.literal_eval(str(call.arguments[1])))
    return sentence[0].upper() + sentence[1:] + "."


def signature(one: griffe.Function, called: str | None = None) -> str:
    """A signature as Python has it, broken where it is long."""
    shown = list(_parameters(one))
    returns = f" -> {one.returns}" if one.returns is not None and one.name != "__init__" else ""
    name = called or one.name
    line = f"{name}({', '.join(shown)}){returns}"
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"    {part},\n" for part in shown)
    return f"{name}(\n{inside}){returns}"


def _default(written: object) -> object:
    """A default as a caller would write it: one that is made anew each time says nothing as source, and of a row of
    `attention.table` it is the first argument.
    """
    source = str(written)
    if "lambda" in source:
        return "…"
    return ast.unparse(ast.parse(source, mode="eval").body.args[0]) if source.startswith("row(") else written  # type: ignore[attr-defined]


def _parameters(one: griffe.Function) -> Iterator[str]:
    starred = False
    for parameter in one.parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is griffe.ParameterKind.keyword_only and not starred:
            starred = True
            yield "*"
        kind = "" if parameter.annotation is None else f": {parameter.annotation}"
        equals = " = " if kind else "="
        default = _default(parameter.default)
        yield parameter.name + kind + ("" if default is None else f"{equals}{default}")


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _prose(one: griffe.Object, names: Sequence[str]) -> str:
    """A docstring, its arguments as a list."""
    if one.docstring is None:
        return ""
    paragraphs = re.split(r"\n\s*\n", one.docstring.value)
    whole = [" ".join(paragraph.split()) for paragraph in paragraphs]
    # What is raised stands by itself, wherever the docstring has it.
    apart = [part for paragraph in whole for part in re.split(r"(?<=\.) (?=Raises )", paragraph)]
    return "\n".join(_paragraph(part, names) for part in apart)


def _paragraph(text: str, names: Sequence[str]) -> str:
    if not names:
        return escape(text) + "\n"
    one = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    shaped = rf"(?:{one})(?: \([^)]*\))?"
    many = rf"{shaped}(?:(?:, | and ){shaped})*"
    begins = re.compile(rf"(?:^|(?<=[.;] ))(?:({many}): |((?:{one})\([^)]*\)) )")
    found = list(begins.finditer(text))
    if not found:
        return escape(text) + "\n"
    ends = [*(match.start() for match in found[1:]), len(text)]
    lead = text[: found[0].start()].strip()
    lines = [_item(match, text[match.end() : end].strip()) for match, end in zip(found, ends, strict=True)]
    return (escape(lead) + "\n\n" if lead else "") + "\n".join(lines) + "\n"


def _item(match: re.Match[str], text: str) -> str:
    colon = ":" if match[1] else ""
    ended = text[:-1] + "." if text.endswith(";") else text
    return f"- `{match[1] or match[2]}`{colon} {escape(ended)}"


def escape(text: str) -> str:
    """Prose as Markdown shows it: what stands in backticks is code already, the rest is no markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else MARKUP.sub(r"\\\g<0>", part) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
