"""The texts of a link in few characters: deflated, with checksums, as base64url.

    48 bytes of the deflated texts, 2 bytes of CRC-32 over all bytes so far; and so on; the last piece may be shorter

A link that was cut or mended by hand keeps whatever stands before the damage, and it is known where that ends. The text
comes first, then NUL and the second text, where there is one.
"""

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass

PIECE, CHECK = 48, 2
SIGNS = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
# In place of texts that are too long for a link; no packed text has a dot.
LEFT_OUT = "file."
MARK_DIGITS = 12


@dataclass(frozen=True)
class Saved:
    """What a packed link gave. whole: nothing is missing; too_long: one of its texts is longer than what is read."""

    text: str
    pair: str
    whole: bool
    too_long: bool = False


def pack(text: str, pair: str = "") -> str:
    """Both texts as one value of a link; neither may hold NUL or lone surrogates, which no view does."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    squeezed = squeezer.compress(_joined(text, pair)) + squeezer.flush()
    made, so_far = bytearray(), 0
    for start in range(0, len(squeezed), PIECE):
        piece = squeezed[start : start + PIECE]
        so_far = zlib.crc32(piece, so_far)
        made += piece + _check(so_far)
    return base64.urlsafe_b64encode(made).decode("ascii").rstrip("=")


def unpack(raw: str, longest: int) -> Saved:
    """What `pack` wrote, or as much as stands before the damage; never more than two texts of `longest` characters.

    Raises ValueError where nothing can be saved.
    """
    most = 4 * (2 * longest + 1)  # bytes: UTF-8 takes at most 4 a character
    # One more is asked for, to know whether there is more.
    data, whole = _inflated(_verified(_decoded(raw)), most + 1)
    body, readable = _text(data[:most])
    text, _, pair = body.partition("\0")
    if not body:
        raise ValueError
    too_long = len(data) > most or max(len(text), len(pair)) > longest
    return Saved(text, pair, whole and readable, too_long)


def left_out(text: str, pair: str) -> str:
    """What stands in an address for texts that it does not carry: a mark that differs from text to text."""
    return LEFT_OUT + hashlib.sha256(_joined(text, pair)).hexdigest()[:MARK_DIGITS]


def _joined(text: str, pair: str) -> bytes:
    return (f"{text}\0{pair}" if pair else text).encode()


def _check(so_far: int) -> bytes:
    return (so_far & 0xFFFF).to_bytes(CHECK, "big")


def _decoded(raw: str) -> bytes:
    """The bytes up to the first foreign sign. White space comes from programs that break long lines: it is left out."""
    found = SIGNS.match("".join(raw.split()))
    signs = found.group() if found else ""
    signs = signs[: len(signs) - (len(signs) % 4 == 1)]
    return base64.urlsafe_b64decode(signs + "=" * (-len(signs) % 4))


def _verified(data: bytes) -> list[bytes]:
    """The pieces up to the first one whose checksum is wrong."""
    good, so_far = [], 0
    for start in range(0, len(data), PIECE + CHECK):
        whole = data[start : start + PIECE + CHECK]
        piece, check = whole[:-CHECK], whole[-CHECK:]
        so_far = zlib.crc32(piece, so_far)
        if check != _check(so_far):
            break
        good.append(piece)
    return good


def _inflated(pieces: list[bytes], most: int) -> tuple[bytes, bool]:
    """At most so many bytes, and whether that is all that was packed."""
    made, inflater = bytearray(), zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in pieces:
        if inflater.eof or len(made) >= most:
            return bytes(made), False
        try:
            made += inflater.decompress(piece, most - len(made))
        except zlib.error:
            return bytes(made), False
    return bytes(made), inflater.eof and not inflater.unused_data


def _text(data: bytes) -> tuple[str, bool]:
    """The text up to the first byte that is none, and whether that was all."""
    try:
        return data.decode(), True
    except UnicodeDecodeError as err:
        return data[: err.start].decode(), False
