#!/bin/sh
# Starts the app as a host would, over all interfaces and without a browser. Its settings are variables:
#   PYTHON                    the Python of the virtual environment (python3)
#   PORT                      where it answers (8501)
#   ADDRESS                   on which interface (0.0.0.0)
#   STREAMLIT_…, HEADLIGHT_…  any setting of Streamlit's and of docs/settings.md
set -eu
cd "$(dirname "$0")/.."
export STREAMLIT_SERVER_PORT="${PORT:-8501}"
export STREAMLIT_SERVER_ADDRESS="${ADDRESS:-0.0.0.0}"
export STREAMLIT_SERVER_HEADLESS=true
export STREAMLIT_SERVER_FILE_WATCHER_TYPE=none
export STREAMLIT_SERVER_MAX_UPLOAD_SIZE="${STREAMLIT_SERVER_MAX_UPLOAD_SIZE:-${HEADLIGHT_FILE_MB:-64}}"
exec "${PYTHON:-python3}" -m deploy.serve run app.py "$@"
