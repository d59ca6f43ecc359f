"""How the command line ends."""

GOOD, REFUSED, USAGE, NOT_TRUSTED, BEYOND, INTERRUPTED, CLOSED = 0, 1, 2, 3, 4, 130, 141
IN_WORDS = {
    GOOD: "all is well",
    REFUSED: "it could not be done; one sentence on stderr says why and what is allowed",
    USAGE: "the command was not written as it should be",
    NOT_TRUSTED: "done, but a check failed: the numbers must not be trusted",
    BEYOND: "done, and more changed than --threshold allows",
    INTERRUPTED: "interrupted (Ctrl-C)",
    CLOSED: "whoever read the output closed it",
}
EPILOG = "exit codes:\n" + "\n".join(f"  {code:<4} {words}" for code, words in IN_WORDS.items())
