"""What a stranger's tokenizer.json would do to a text, judged before it is run.

A tokenizer's rules are a small program: patterns that are searched, signs that are replaced by others. They run inside
the server and cannot be stopped, so three things are refused: rules that would let a text grow beyond all memory,
patterns that repeat what repeats already (they can take time that doubles with each letter), and sizes that no
tokenizer has. Rules that are merely slow are not found out here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention.errors import ModelError
from attention.models import files

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
# How many times longer a text may become; well over what the known tokenizers come to, a handful at most.
MOST_GROWTH = 256
LONGEST_FILE, LONGEST_SETTINGS = 200_000_000, 20_000_000
# Numbers by which the library makes up tokens that stand in no file.
MADE_UP, MOST_MADE_UP = ("extra_ids", "offset"), 10_000
MOST_PATTERN, MOST_RULES, MOST_TEMPLATE, MOST_WORD, MOST_MARK, MOST_MAPPED = 10_000, 64, 10_000, 1_000, 100, 200
PARTS = ("normalizer", "pre_tokenizer", "decoder", "post_processor")
LISTS = ("normalizers", "pretokenizers", "decoders", "processors")
MARKS = ("continuing_subword_prefix", "end_of_word_suffix", "prefix", "suffix", "prepend")


def check(id: str, folder: Path) -> None:
    """Raise ModelError for a tokenizer in this folder whose rules are not run here, or that lies elsewhere."""
    _check_settings(id, folder / SETTINGS)
    path = folder / FILE
    if not path.exists():
        return
    try:
        reason = _reason(files.json_of(path, LONGEST_FILE))
    except (OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as err:
        raise _damaged(id, FILE) from err
    if reason:
        raise ModelError(f"The {FILE} of {id} {reason}, which is not run here; choose another model.")


def check_loaded(id: str, tokenizer: Any) -> None:
    """Raise ModelError where a tokenizer that was made of other files has rules that are not run here."""
    inner = getattr(tokenizer, "backend_tokenizer", None) if getattr(tokenizer, "is_fast", False) else None
    maps: list[bytes] = []
    if inner is not None:
        tree = {part: _state(getattr(inner, part, None)) for part in PARTS}
        reason = _reason({**tree, "model": {}})
    else:
        spoken = getattr(tokenizer, "sp_model", None)
        maps = list(_maps(spoken.serialized_model_proto())) if spoken is not None else []
        reason = "can make a text very long" if any(_longest(one) > MOST_MAPPED for one in maps) else ""
    if reason:
        raise ModelError(f"The tokenizer of {id} {reason}, which is not run here; choose another model.")


def _state(part: Any) -> dict[str, Any] | None:
    """A part of a tokenizer as tokenizer.json would have it."""
    if part is None:
        return None
    try:
        found = json.loads(part.__getstate__())
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _maps(model: bytes) -> Iterator[bytes]:
    """The maps of signs in a sentencepiece model: field 2 of its fields 3 and 5."""
    for number, rules in _fields(model):
        if number in (3, 5):
            yield from (value for inner, value in _fields(rules) if inner == 2)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message that are bytes, by their numbers; raises ValueError where it is none."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 == 2:
            size, place = _varint(message, place)
            yield key >> 3, message[place : place + size]
            place += size
        elif key & 7 == 0:
            _, place = _varint(message, place)
        else:
            place += {1: 8, 5: 4}.get(key & 7, len(message))


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(message) or shift > 63:
            raise ValueError("it is cut off")
        value |= (message[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if message[place - 1] < 128:
            return value, place


def _check_settings(id: str, path: Path) -> None:
    """The one setting by which the library would open a file elsewhere: versions of tokenizer.json by their names."""
    try:
        said = files.json_of(path, LONGEST_SETTINGS) if path.exists() else {}
        named = said.get("fast_tokenizer_files") or []
        many = [name for name in MADE_UP if isinstance(said.get(name), int | float) and not said[name] <= MOST_MADE_UP]
        elsewhere = any(not isinstance(name, str) or "/" in name or "\\" in name for name in named)
    except (OSError, ValueError, AttributeError, TypeError) as err:
        raise _damaged(id, SETTINGS) from err
    if many:
        raise ModelError(
            f"The {SETTINGS} of {id} asks for more than {MOST_MADE_UP:,} tokens by {many[0]!r}; choose another model."
        )
    if elsewhere:
        raise ModelError(f"The {SETTINGS} of {id} names files elsewhere, which are not opened; choose another model.")


def _damaged(id: str, name: str) -> ModelError:
    return ModelError(
        f"The tokenizer of {id} cannot be loaded (its {name} is damaged); a whole one must lie beside the model."
    )


def _reason(tree: dict[str, Any]) -> str:
    """What is wrong with the rules, or ""."""
    growth = 1.0
    for part in PARTS:
        rules = list(_flat(tree.get(part)))
        if len(rules) > MOST_RULES:
            return f"has more than {MOST_RULES} rules in its {part}"
        for rule in rules:
            if reason := _wrong(rule):
                return reason
        growth *= _product(map(_growth, rules))
    if growth > MOST_GROWTH:
        return f"can make a text {MOST_GROWTH} times as long and more"
    return _wrong_model(tree.get("model") or {})


def _flat(rule: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A rule, and those inside it."""
    if rule is None:
        return
    yield rule
    for name in LISTS:
        for inner in rule.get(name) or ():
            yield from _flat(inner)


def _wrong(rule: dict[str, Any]) -> str:
    pattern = _pattern(rule)
    if pattern is not None and (len(pattern) > MOST_PATTERN or repeats_repeats(pattern)):
        return "has a pattern that can take very long"
    if any(len(rule.get(name) or "") > MOST_MARK for name in MARKS if isinstance(rule.get(name), str)):
        return "adds very long signs"
    if _template(rule) > MOST_TEMPLATE:
        return "adds very many special tokens"
    if longest_mapped(rule.get("precompiled_charsmap") or "") > MOST_MAPPED:
        return "can make a text very long"
    return ""


def _wrong_model(model: dict[str, Any]) -> str:
    long = model.get("type") == "WordPiece" and model.get("max_input_chars_per_word", 100) > MOST_WORD
    if long or any(len(model.get(name) or "") > MOST_MARK for name in MARKS):
        return "has sizes that no tokenizer has"
    return ""


def _pattern(rule: dict[str, Any]) -> str | None:
    found = rule.get("pattern")
    return found.get("Regex") if isinstance(found, dict) else None


def _growth(rule: dict[str, Any]) -> float:
    """How many times longer a text can become by this one rule."""
    if rule.get("type") in ("ByteLevel", "Metaspace"):
        return 2.0 if rule["type"] == "ByteLevel" else 1.0
    if rule.get("type") != "Replace":
        return 1.0
    content, searched = rule.get("content") or "", (rule.get("pattern") or {}).get("String")
    # A pattern may fit between any two letters, and then nothing goes where something comes.
    return max(1.0, len(content) / len(searched)) if searched else 1.0 + len(content)


def _product(numbers: Iterator[float]) -> float:
    made = 1.0
    for number in numbers:
        made *= number
    return made


def _template(rule: dict[str, Any]) -> int:
    """The most tokens that a template adds to a text."""
    if rule.get("type") != "TemplateProcessing":
        return 0
    sizes = {name: len(one["ids"]) for name, one in (rule.get("special_tokens") or {}).items()}
    counts = []
    for side in ("single", "pair"):
        pieces = rule.get(side) or ()
        counts.append(len(pieces) + sum(sizes.get(piece.get("SpecialToken", {}).get("id"), 0) for piece in pieces))
    return max(counts)


def longest_mapped(charsmap: str) -> int:
    """Bytes of the longest text that one of sentencepiece's precompiled maps has in place of a sign: after the length
    of its trie (4 bytes) and the trie stand all of them, each closed by NUL.
    """
    return _longest(base64.b64decode(charsmap))


def _longest(data: bytes) -> int:
    texts = data[4 + int.from_bytes(data[:4], "little") :]
    return max(map(len, texts.split(b"\0")))


def repeats_repeats(pattern: str) -> bool:
    """Whether a group is repeated that itself holds a repetition or a choice, as in (a+)+ or (a|b)*."""
    inside, closed, place = [False], False, 0
    while place < len(pattern):
        sign = pattern[place]
        if sign in "*+{" and not (sign == "{" and not pattern[place + 1 : place + 2].isdigit()):
            if closed:
                return True
            inside[-1] = inside[-1] or _varies(pattern, place)
        closed = False
        if sign == "(":
            inside.append(False)
        elif sign == ")" and len(inside) > 1:
            closed = inside.pop()
            inside[-1] = inside[-1] or closed
        elif sign == "|":
            inside[-1] = True
        place = _after(pattern, place)
    return False


def _varies(pattern: str, place: int) -> bool:
    """Whether a repetition can be of several lengths; {3} is of one."""
    return pattern[place] != "{" or "," in pattern[place : pattern.find("}", place)]


def _after(pattern: str, place: int) -> int:
    """Where the next sign begins: an escape is one sign, and so is a class with all that stands in it."""
    if pattern[place] == "\\":
        named = pattern[place + 1 : place + 3] in ("p{", "P{", "x{")
        end = pattern.find("}", place) if named else -1
        return end + 1 if end >= 0 else place + 2
    if pattern[place] != "[":
        return place + 1
    depth, place = 1, place + 1
    while place < len(pattern) and depth:
        sign = pattern[place]
        depth += (sign == "[") - (sign == "]")
        place += 2 if sign == "\\" else 1
    return place
