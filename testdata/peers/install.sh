#!/usr/bin/env bash
# Installs what the scripts beside it are made of, in the virtual environment that
# testdata/interop has, too, and says what that is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../.venv
command -v python3 >/dev/null || { echo "python3 is missing: install package python3" >&2; exit 1; }
if [ ! -x "$venv/bin/pip" ]; then
	python3 -m venv "$venv" || { echo "python3 has no venv: install package python3-venv" >&2; exit 1; }
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$venv/bin/python" --version
cat "$here/requirements.txt"
