"""The members of an NPZ file: arrays by name, written plainly, and read from strangers.

numpy's own reader is not used: an array's header is a Python literal there, which is evaluated, and an array of objects
is a pickle, which runs whatever it likes. Here a header must be, to the letter, one that numpy writes for a plain array
of numbers; all sizes are added up before anything is unpacked; and nothing is ever executed.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from attention.config import MEGABYTE
from attention.errors import InputError

ENDING = ".npy"
MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(
    rb"\{'descr': '(?P<descr><f2|<f4|<f8|\|b1|\|u1|<i4|<i8)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>(?:\d{1,12},|\d{1,12}(?:, \d{1,12}){1,4})?)\), \} *\n"
)
NAME = re.compile(r"[A-Za-z0-9_]{1,40}(?:\.[A-Za-z0-9_]{1,40}){0,6}\.npy", re.ASCII)
MOST_MEMBERS, LONGEST_HEADER = 20_000, 512
# The list of members at the end of a file: each takes some 50 bytes and its name.
MOST_DIRECTORY = 4_000_000
# Unpacked, a file may be so many times as large as the limit for the file itself; and no more than RATIO times as large
# as it is, once it is above THIN bytes. True files shrink to a half or a third.
UNPACKED, RATIO, THIN = 3, 100, 16_000_000
END, END64 = b"PK\x05\x06", b"PK\x06\x07"
# A fixed date: the same numbers make the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)
DAMAGED = "This file is damaged or no NPZ file: {}. Save it again, or choose another."


def write(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of an NPZ file with these arrays, packed."""
    packed = _zipped(arrays, zipfile.ZIP_DEFLATED)
    whole = sum(array.nbytes for array in arrays.values())
    # What shrinks that much would be refused as a bomb: zeros, mostly.
    return _zipped(arrays, zipfile.ZIP_STORED) if _too_thin(whole, len(packed)) else packed


def _zipped(arrays: Mapping[str, np.ndarray], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(name + ENDING, DATE)
            member.compress_type = method
            file.writestr(member, _npy(array))
    return out.getvalue()


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return out.getvalue()


class Members(Mapping[str, np.ndarray]):
    """The arrays of a file by name, each read when it is asked for, read-only.

    most_bytes: the largest file. The list of members is looked at first: what is too large is never unpacked. All
    methods raise InputError for what no file of ours has.
    """

    def __init__(self, data: bytes, most_bytes: int) -> None:
        if len(data) > most_bytes:
            size, most = len(data) / MEGABYTE, most_bytes / MEGABYTE
            raise InputError(f"This file has {size:.1f} MB; at most {most:g} MB may be opened here.")
        _check_end(data)
        with _sentences():
            self._file = zipfile.ZipFile(io.BytesIO(data))
            members = self._file.infolist()
        _check_members(members, len(data), most_bytes)
        self._members = {member.filename.removesuffix(ENDING): member for member in members}

    def __getitem__(self, name: str) -> np.ndarray:
        with _sentences():
            return _array(self._file, self._members[name])

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """The bytes of one array, its header included, before it is read."""
        return self._members[name].file_size

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@contextmanager
def _sentences() -> Iterator[None]:
    """What zipfile raises for damaged files becomes a sentence."""
    try:
        yield
    except (InputError, KeyError):
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError, OverflowError, ValueError) as err:
        raise InputError(DAMAGED.format("it cannot be unpacked")) from err
    except RuntimeError as err:  # encrypted members, or packed in a way of a later version
        raise InputError(DAMAGED.format("its members cannot be read")) from err


def _check_end(data: bytes) -> None:
    """The list of members must be short and lie where it says: zipfile reads all of it before one can look."""
    if len(data) < 22 or data[-22:-18] != END or data[-42:-38] == END64:
        raise InputError(DAMAGED.format("its end is not that of a file that Headlight writes"))
    count, size, start, comment = struct.unpack("<HIIH", data[-12:])
    if size > MOST_DIRECTORY or count > MOST_MEMBERS or comment or start + size != len(data) - 22:
        raise InputError(DAMAGED.format("its list of members does not fit it"))


def _check_members(members: list[zipfile.ZipInfo], size: int, most_bytes: int) -> None:
    if len(members) > MOST_MEMBERS:
        raise InputError(f"This file has {len(members):,} members; at most {MOST_MEMBERS:,} are read.")
    names = [member.filename for member in members]
    if bad := [name for name in names if not NAME.fullmatch(name)]:
        raise InputError(f"This file has a member named {ascii(bad[0])[:60]}, which is not the name of an array.")
    if len({name.casefold() for name in names}) < len(names):
        raise InputError("This file has two members of one name.")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise InputError(DAMAGED.format("its members are packed in a way that NPZ files do not use"))
    whole = sum(member.file_size for member in members)
    if whole > UNPACKED * most_bytes or _too_thin(whole, size):
        raise InputError(
            f"Unpacked, this file would take {whole / MEGABYTE:,.0f} MB, far more than its {size / MEGABYTE:.1f} MB "
            "promise. It is not opened."
        )


def _too_thin(whole: int, packed: int) -> bool:
    return whole > THIN and whole > RATIO * packed


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array; its size is looked at before its numbers are unpacked."""
    with file.open(member) as stream:
        front = stream.read(len(MAGIC) + 2)
        length = int.from_bytes(front[len(MAGIC) :], "little")
        if not front.startswith(MAGIC) or length > LONGEST_HEADER:
            raise InputError(f"{_shown(member)} is not a plain array of numbers.")
        kind, shape = _header(stream.read(length), member)
        count = math.prod(shape) * kind.itemsize
        if len(front) + length + count != member.file_size:
            raise InputError(f"{_shown(member)} is not as long as its header says.")
        numbers = stream.read(count + 1)  # to the end, where the checksum is compared
    if len(numbers) != count:
        raise InputError(f"{_shown(member)} is not as long as its header says.")
    return np.frombuffer(numbers, kind).reshape(shape)


def _header(raw: bytes, member: zipfile.ZipInfo) -> tuple[np.dtype, tuple[int, ...]]:
    found = HEADER.fullmatch(raw)
    if found is None:
        raise InputError(f"{_shown(member)} is not a plain array of numbers: only such are read, never pickles.")
    shape = tuple(int(part) for part in found["shape"].replace(b" ", b"").split(b",") if part)
    return np.dtype(found["descr"].decode("ascii")), shape


def _shown(member: zipfile.ZipInfo) -> str:
    return f"The member {member.filename[:60]!r} of this file"
