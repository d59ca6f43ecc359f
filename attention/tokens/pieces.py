"""A vocabulary's pieces read back: which bytes each stands for, which share a character, where they are in the text."""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

Style = Literal["bytes", "byte-numbers", "wordpiece", "endings", "sentencepiece"]
Span = tuple[int, int]
FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")
LOWER_ONE_EIGHTH = "▁"  # SentencePiece's sign for a space
ENDINGS = ("</w>", "@@")
REACH = 64  # how far ahead, in bytes, alignment looks for a token after one that it could not place


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One entry of a vocabulary. raw: the bytes that it stands for, a leading space included; b"" where unknown."""

    id: int
    name: str
    raw: bytes = b""
    mark: str = ""
    special: bool = False
    unknown: bool = False

    @property
    def text(self) -> str:
        """What the piece reads as without its mark: its characters, or its bytes "⟨9F 98⟩" where they make none."""
        body = self.body
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return f"⟨{body.hex(' ').upper()}⟩"

    @property
    def blank(self) -> bool:
        """Whether it stands for white space only."""
        return self.raw.isspace()

    @property
    def body(self) -> bytes:
        """`raw` without the leading spaces, unless there is nothing else."""
        return self.raw.lstrip(b" ") or self.raw


@dataclass(frozen=True)
class Vocabulary:
    """How one tokenizer writes its pieces."""

    tokenizer: Any
    style: Style
    added: dict[int, str]
    special: frozenset[int]
    unknown: int | None

    @classmethod
    def of(cls, tokenizer: Any) -> Vocabulary:
        """Read a tokenizer's habits, fast or slow, from the object itself and not from its name."""
        unknown = getattr(tokenizer, "unk_token_id", None)
        special = set(getattr(tokenizer, "all_special_ids", ()))
        # GPT-2 has one token for the end of text and for the unknown: there it is a control token.
        others = {getattr(tokenizer, f"{role}_token_id", None) for role in ("bos", "eos", "pad", "cls", "sep", "mask")}
        return cls(
            tokenizer=tokenizer,
            style=_style(tokenizer),
            added={number: str(token) for number, token in getattr(tokenizer, "added_tokens_decoder", {}).items()},
            special=frozenset(special if unknown in others else special - {unknown}),
            unknown=None if unknown in others else unknown,
        )

    def piece(self, number: int) -> Piece:
        """The piece of one id; its name is "#123" where the vocabulary has no such id."""
        name = self._name(number)
        if name is None or number in self.special:
            return Piece(id=number, name=name or f"#{number}", special=name is not None)
        if number == self.unknown:
            return Piece(id=number, name=name, unknown=True)
        return self._read(number, name)

    def _name(self, number: int) -> str | None:
        try:
            name = self.tokenizer.convert_ids_to_tokens(number)
        except (IndexError, KeyError, ValueError, OverflowError):
            return None
        return None if name is None or name == "" else str(name)

    def _read(self, number: int, name: str) -> Piece:
        if number in self.added and not FALLBACK.fullmatch(name):
            return _marked(number, name, self.added[number].encode("utf-8", "replace"))
        raw = self._bytes(name)
        if raw is not None:
            return _marked(number, name, raw)
        if self.style == "wordpiece":
            mark = "##" if name.startswith("##") and len(name) > 2 else ""
            return Piece(id=number, name=name, raw=name.removeprefix(mark).encode(), mark=mark)
        if self.style == "endings":
            ending = next((each for each in ENDINGS if name.endswith(each) and name != each), "")
            return Piece(id=number, name=name, raw=name.removesuffix(ending).encode())
        return _marked(number, name, name.replace(LOWER_ONE_EIGHTH, " ").encode())

    def _bytes(self, name: str) -> bytes | None:
        """The bytes of a piece that is written in bytes, else None."""
        if self.style == "byte-numbers":
            return name.encode("latin-1", "replace")
        if self.style == "bytes" and all(character in byte_of() for character in name):
            return bytes(byte_of()[character] for character in name)
        byte = FALLBACK.fullmatch(name) if self.style == "sentencepiece" else None
        return bytes([int(byte[1], 16)]) if byte else None


@dataclass(frozen=True)
class Shared:
    """Tokens start..stop that share a character. text: how the first reads, None where each reads by itself."""

    start: int
    stop: int
    text: str | None


@cache
def byte_of() -> dict[str, int]:
    """Byte-level BPE's alphabet (Radford et al. 2019): 256 characters that one can see, one for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(others)}


def group(
    pieces: list[Piece], spans: Sequence[Span | None], special: list[bool], segments: list[int]
) -> Iterator[Shared]:
    """The runs of neighbours that share a character: by their bytes, else by one span that they have in common."""
    start = 0
    while start < len(pieces):
        stop, text = _character(pieces, special, segments, start)
        if stop - start == 1:
            stop, text = _same_span(spans, special, segments, start), None
        if stop - start > 1:
            yield Shared(start, stop, text)
        start = stop


def align(pieces: list[Piece], text: str) -> list[Span | None]:
    """Where each piece is in `text`, found by reading along; None where that is not certain.

    Case, accents and width are ignored, for many tokenizers change them. An unknown piece gets what lies between its
    neighbours, a piece of white space the first such white space there.
    """
    folded, owner = _fold(text)
    spans: list[Span | None] = []
    cursor, certain = 0, True
    nothing = [False] * len(pieces), [0] * len(pieces)
    while len(spans) < len(pieces):
        stop, _ = _character(pieces, *nothing, len(spans))
        wanted = _fold_bytes(pieces[len(spans) : stop])
        found = folded.find(wanted, cursor, cursor + len(wanted) + (0 if certain else REACH)) if wanted else -1
        certain = found >= 0
        span = (owner[found], owner[found + len(wanted) - 1] + 1) if certain else None
        spans += [span] * (stop - len(spans))
        cursor = found + len(wanted) if certain else cursor
    return _fill(pieces, spans, text)


def _style(tokenizer: Any) -> Style:
    if hasattr(tokenizer, "_utf_vocab_size"):  # ByT5 and its kin: a piece is the character with its byte's number
        return "byte-numbers"
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return _fast_style(_kinds(backend.decoder) | _kinds(backend.pre_tokenizer))
    if hasattr(tokenizer, "byte_decoder"):
        return "bytes"
    if hasattr(tokenizer, "wordpiece_tokenizer") or hasattr(tokenizer, "subword_tokenizer"):
        return "wordpiece"
    return "sentencepiece" if any(hasattr(tokenizer, name) for name in ("sp_model", "spm_source")) else "endings"


def _fast_style(kinds: set[str]) -> Style:
    if "ByteLevel" in kinds:
        return "bytes"
    if "WordPiece" in kinds:
        return "wordpiece"
    return "endings" if "BPEDecoder" in kinds else "sentencepiece"


def _kinds(part: Any) -> set[str]:
    """The names of a fast tokenizer's decoders or pre-tokenizers, from their own description."""
    if part is None:
        return set()
    state = json.loads(part.__getstate__())
    inner = [*state.get("decoders", ()), *state.get("pretokenizers", ())]
    return {state.get("type", "")} | {each.get("type", "") for each in inner}


def _marked(number: int, name: str, raw: bytes) -> Piece:
    spaces = len(raw) - len(raw.lstrip(b" "))
    return Piece(id=number, name=name, raw=raw, mark="·" * spaces if spaces < len(raw) else "")


def _character(pieces: list[Piece], special: list[bool], segments: list[int], start: int) -> tuple[int, str | None]:
    """The end of the run from `start` that together is whole characters, and what the run's first reads as."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    read = ""
    for index in range(start, len(pieces)):
        if special[index] or segments[index] != segments[start] or not pieces[index].raw:
            break
        try:
            read += decoder.decode(pieces[index].raw)
        except UnicodeDecodeError:
            break
        if not decoder.getstate()[0]:
            return index + 1, read.lstrip(" ") if index > start else None
    return start + 1, None


def _same_span(spans: Sequence[Span | None], special: list[bool], segments: list[int], start: int) -> int:
    stop = start + 1
    while (
        stop < len(spans)
        and spans[start] is not None
        and spans[stop] == spans[start]
        and segments[stop] == segments[start]
        and not special[start]
        and not special[stop]
    ):
        stop += 1
    return stop


def _fold(text: str) -> tuple[bytes, list[int]]:
    """`text` without spaces, case, accents and width, as bytes, and the character that each byte comes from."""
    parts = [_simple(character) for character in text]
    return b"".join(parts), [index for index, part in enumerate(parts) for _ in part]


@lru_cache(maxsize=20_000)  # strangers can type any of a million characters
def _simple(character: str) -> bytes:
    plain = unicodedata.normalize("NFKD", character.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each) and not each.isspace()).encode()


def _fold_bytes(pieces: list[Piece]) -> bytes:
    """Pieces that together make whole characters, as `_fold` would write them; b"" where they make none."""
    try:
        return b"".join(_simple(character) for character in b"".join(each.raw for each in pieces).decode("utf-8"))
    except UnicodeDecodeError:
        return b""


def _fill(pieces: list[Piece], spans: list[Span | None], text: str) -> list[Span | None]:
    """Give white space and lone unknown pieces their place between the neighbours."""
    filled = list(spans)
    starts = [*(None if span is None else span[0] for span in spans), len(text)]
    for index, piece in enumerate(pieces):
        before = (0, 0) if index == 0 else filled[index - 1]
        if filled[index] is not None or before is None:
            continue
        if piece.unknown and (after := starts[index + 1]) is not None:
            filled[index] = stripped(text, before[1], after)
        elif piece.blank:
            after = next(start for start in starts[index + 1 :] if start is not None)
            found = text.find(piece.raw.decode(), before[1], after)
            filled[index] = (found, found + len(piece.raw.decode())) if found >= 0 else None
    return filled


def stripped(text: str, start: int, stop: int) -> Span | None:
    """The span without white space at its ends, or None where nothing is left."""
    inner = text[start:stop]
    start += len(inner) - len(inner.lstrip())
    return (start, start + len(inner.strip())) if inner.strip() else None
