#!/bin/sh
# Finds a Python that can run medauth and hands over to setup.py. Usage: sh scripts/setup.sh demo|dev|train
# PYTHON=/path/to/python names one explicitly.
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

for candidate in .venv/bin/python "${PYTHON:-}" python3.11 python3.12 python3 python \
    /usr/bin/python3.11 /usr/bin/python3.12 /usr/local/bin/python3.11 /usr/local/bin/python3.12 \
    "$HOME"/.pyenv/versions/3.11.*/bin/python "$HOME"/.pyenv/versions/3.12.*/bin/python \
    "$HOME"/.local/share/uv/python/cpython-3.1[12].*/bin/python; do
    if [ -n "$candidate" ] && fits "$candidate"; then
        exec "$candidate" scripts/setup.py "$@"
    fi
done

found=$(python3 --version 2>/dev/null || echo "no Python 3")
cat >&2 <<TEXT
set-up: found $found
  expected: Python 3.11 or 3.12 (MediaPipe 0.10.21 has wheels for these)
  next step: apt-get install python3.11 python3.11-venv, or make PYTHON=/path/to/python3.11 ...
TEXT
exit 1
