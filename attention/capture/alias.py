"""Names of our own that answer to those they stand for."""

from __future__ import annotations


class Alias(str):
    """A name of our own in the registry that also equals the name of the implementation it records.

    Models ask for theirs by name (sparse attention makes its mask only for "eager" and "sdpa"), and must get the same
    answer while we record. In a dictionary it is found by its own name alone.
    """

    of: str

    def __new__(cls, name: str, of: str = "") -> Alias:
        alias = super().__new__(cls, name)
        alias.of = of
        return alias

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and (str.__eq__(self, other) or str.__eq__(other, self.of))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)
