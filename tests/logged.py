"""What a test's code writes to the log."""

import logging


class Logged(logging.Handler):
    """What was written to the log meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        return "\n".join(map(logging.Formatter().format, self.records))
