"""`streamlit` as a host starts it: settings are checked and printed, and torch is on its way, before anybody comes.

`python -m deploy.serve run app.py …` takes what `streamlit` takes. Ends with 2 and one sentence for settings that are
wrong.
"""

import sys

from streamlit.web import cli

from attention.ui import settings, warmup


def main() -> None:
    """Check the settings, begin to load, and serve."""
    if settings.start():
        sys.exit(2)
    warmup.start()
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
