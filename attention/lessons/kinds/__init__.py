"""The kinds of live figures: what each is told, and which facts it knows, that a guess can ask for.

A module here has the kinds of one theme, as the lessons bring them, in the order of their names; a module of
`static/lesson/figures/` draws each. The names of kinds, settings and facts are those that a lesson's file uses.
"""

from attention.lessons.kinds.listing import KINDS, described, kind
from attention.lessons.kinds.record import Kind, Setting, setting
from attention.lessons.kinds.runs import CHEAP, OWN, SHOWN, SHOWN_LOCAL, SMALL
from attention.lessons.kinds.shared import BUGS
from attention.lessons.kinds.sorts import decimal, names, numbers, one_of, several, some_of, whole, yes

__all__ = [
    "BUGS", "CHEAP", "KINDS", "OWN", "SHOWN", "SHOWN_LOCAL", "SMALL", "Kind", "Setting", "decimal", "described", "kind",
    "names", "numbers", "one_of", "setting", "several", "some_of", "whole", "yes",
]  # fmt: skip
