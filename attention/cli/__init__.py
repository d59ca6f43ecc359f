"""The command line: `headlight`, or `python -m attention`, with `trace`, `patterns`, `models`, `link` and `run`.

Answers go to stdout.
"""

from attention.cli.program import headlight, main

__all__ = ["headlight", "main"]
