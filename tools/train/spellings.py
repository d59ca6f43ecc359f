"""Dates as people write them, and the ISO form of each. Spellings that two readers could read in two ways are left out.

One convention is needed and said in the card: a year of two digits is 1950 to 2049.
"""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable

import numpy as np

FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2050, 12, 31)
ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
    "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
]  # fmt: skip

Spelling = Callable[[datetime.date], str]


def ordinal(number: int) -> str:
    """3 → "3rd"."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


# Every spelling with a whole year; {…} are filled from `_fields`.
PATTERNS = (
    "{d} {month} {y}",
    "{dd} {month} {y}",
    "{d} {mon} {y}",
    "{d} {month}, {y}",
    "{dth} {month} {y}",
    "{dth} of {month} {y}",
    "the {dth} of {month}, {y}",
    "the {dth} of {month} {y}",
    "the {word} of {month}, {y}",
    "the {word} of {month} {y}",
    "{month} {d}, {y}",
    "{month} {d} {y}",
    "{month} {dth}, {y}",
    "{month} {dth} {y}",
    "{month} the {dth}, {y}",
    "{mon} {d}, {y}",
    "{mon} {dd} {y}",
    "{mon}. {d}, {y}",
    "{weekday}, {month} {d} {y}",
    "{weekday}, {month} {d}, {y}",
    "{weekday}, {d} {month} {y}",
    "{weekday} {d} {month} {y}",
    "{weekday}, the {dth} of {month}, {y}",
    "{wd} {d} {mon} {y}",
    "{wd}, {d} {mon} {y}",
    "{d}-{mon}-{y}",
    "{y} {month} {d}",
    "{y}, {month} {d}",
    "{y}-{mm}-{dd}",
    "{y}/{mm}/{dd}",
    "{y}{mm}{dd}",
)
# Spellings with a year of two digits, for dates from 1950 to 2049.
SHORT_PATTERNS = ("{d} {mon} {yy}", "{d} {month} {yy}", "{d} {month} '{yy}", "{month} {d}, '{yy}", "{d}-{mon}-{yy}")


def draw(rng: np.random.Generator, held: bool) -> tuple[str, str]:
    """(spelling, ISO form) of a date out of those held out, or out of the others."""
    while True:
        day = FIRST + datetime.timedelta(days=int(rng.integers((LAST - FIRST).days + 1)))
        if is_held(day) == held:
            return spell(day, rng), day.isoformat()


def is_held(day: datetime.date) -> bool:
    """Whether a date is one of the tenth that is never trained on, in any spelling."""
    return zlib.crc32(day.isoformat().encode()) % 10 == 0


def spell(day: datetime.date, rng: np.random.Generator) -> str:
    """One of the spellings of a date, one time of eight in small letters, of sixteen in capitals."""
    short = 1950 <= day.year < 2050 and rng.random() < 0.15
    text = str(rng.choice(SHORT_PATTERNS if short else PATTERNS)).format(**_fields(day))
    case = rng.random()
    return text.lower() if case < 1 / 8 else text.upper() if case < 3 / 16 else text


def spelled(day: datetime.date) -> list[str]:
    """A date in every spelling."""
    return [pattern.format(**_fields(day)) for pattern in (*PATTERNS, *SHORT_PATTERNS)]


def _fields(day: datetime.date) -> dict[str, str]:
    number = day.day
    return {
        "d": str(number),
        "dd": f"{number:02}",
        "dth": ordinal(number),
        "word": ORDINALS[number - 1],
        "month": MONTHS[day.month - 1],
        "mon": MONTHS[day.month - 1][:3],
        "mm": f"{day.month:02}",
        "y": str(day.year),
        "yy": f"{day.year % 100:02}",
        "weekday": WEEKDAYS[day.weekday()],
        "wd": WEEKDAYS[day.weekday()][:3],
    }


MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]  # fmt: skip
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
