"""The command line: `python -m attention trace`, `patterns`, `models` and `link`. Answers go to stdout."""

from attention.cli.program import main

__all__ = ["main"]
