"""Whether the app in this container answers: ends with 0 or 1. Only the standard library, for an image has no curl."""

import os
import sys
import urllib.request


def url() -> str:
    """The health address, below the base path that the app was started with."""
    base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    return "/".join([f"http://127.0.0.1:{os.environ.get('PORT', '8501')}", *filter(None, [base]), "_stcore/health"])


def healthy() -> bool:
    """Whether it answers within five seconds."""
    try:
        # Never by way of a proxy, which the environment may name for the hub's sake.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url(), timeout=5) as answer:
            # Unknown addresses get the index page with 200: only the health check says ok.
            return answer.status == 200 and answer.read(16) == b"ok"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not healthy())
