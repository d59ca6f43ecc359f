"""How the bundled models were made: corpus, tokenizer, storyteller, cloze model, date translator. See docs/training.md.

A chain of commands, each of which reads what the one before left in `build/train/`:
`python -m tools.train.corpus TEXTS`, `.tokenizer`, then `.storyteller`, `.cloze` and `.dates` in any order.
"""

from pathlib import Path

BUILD = Path("build/train")  # what is made on the way; ignored by git
MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
