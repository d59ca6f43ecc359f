"""`python -m attention`, and the command `headlight`: see `attention.cli`."""

import sys

from attention.cli import headlight, main

__all__ = ["headlight", "main"]

if __name__ == "__main__":
    sys.exit(main())
