#!/bin/sh
# Makes a virtual environment with what the app needs: `deploy/install.sh FOLDER`. The image is built with it, and so can
# be a machine without Docker.
#   PYTHON       the Python that makes it (python3)
#   WHEEL_INDEX  an index for all packages; empty: pip's own settings decide
#   TORCH_INDEX  an index for torch alone, such as one of wheels without GPU libraries; empty: like the others
set -eu
cd "$(dirname "$0")/.."
target=${1:?"name the folder of the virtual environment: deploy/install.sh FOLDER"}

"${PYTHON:-python3}" -m venv "$target"
pip() {
    "$target/bin/python" -m pip --disable-pip-version-check --no-input "$@"
}
if [ -n "${TORCH_INDEX:-}" ]; then
    pip install --no-compile --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"
fi
if [ -n "${WHEEL_INDEX:-}" ]; then
    pip install --no-compile --index-url "$WHEEL_INDEX" -r requirements.txt
else
    pip install --no-compile -r requirements.txt
fi
# All that was asked for is there, and fits together.
pip check
