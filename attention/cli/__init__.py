"""The command line: `headlight`, or `python -m attention`, with its commands.

Answers go to stdout.
"""

from attention.cli.program import headlight, main

__all__ = ["headlight", "main"]
