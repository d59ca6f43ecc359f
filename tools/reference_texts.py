"""Let the storyteller write the reference texts: `python -m tools.reference_texts`.

Each is drawn by chance from its own seed, so that the same are written again; line breaks become spaces.
"""

from __future__ import annotations

import sys

from attention import generate
from attention.reference import BUNDLED

OPENINGS = (
    "Once upon a time", "The", "One day", "There was", "In the", "A", "When", "She", "He said", "They", "It was", "But",
)  # fmt: skip
TOKENS, TEMPERATURE, TOP_P = 60, 0.9, 0.95


def written(seed: int) -> str:
    """The text of one seed."""
    made = generate("storyteller", OPENINGS[seed], n_tokens=TOKENS, temperature=TEMPERATURE, top_p=TOP_P, seed=seed)
    return " ".join(made.text.split())


def main() -> None:
    """Write all of them."""
    texts = [written(seed) for seed in range(len(OPENINGS))]
    BUNDLED.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
