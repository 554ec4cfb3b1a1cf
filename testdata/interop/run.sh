#!/usr/bin/env bash
# Reads a study's lake and its exports with three strangers from Python (DuckDB, pyarrow and
# Polars) and its raw log with a fourth, as received and compacted, and holds the
# schemas, the log's answers, odd ones and the lake's rows against two validators, in a
# virtual environment of its own; last, two libraries verify webhooks. SAMPLES is a folder of samples that Dexcom publishes.
#   testdata/interop/run.sh STUDY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../.venv
command -v python3 >/dev/null || { echo "python3 is missing: install package python3" >&2; exit 1; }
if [ ! -x "$venv/bin/pip" ]; then
	python3 -m venv "$venv" || { echo "python3 has no venv: install package python3-venv" >&2; exit 1; }
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$venv/bin/python" "$here/read_lake.py" "$1/lake"
odd=$(mktemp -d)
mkdir "$odd/exports"
trap 'rm -rf "$odd"' EXIT
dexetl=("$here/../../bin/dexetl" --study "$1" --quiet)
for format in duckdb parquet csv; do
	"${dexetl[@]}" export $format -o "$odd/exports/$format" >"$odd/said"
	"${dexetl[@]}" export $format --deid -o "$odd/exports/deid-$format" >"$odd/said"
done
"${dexetl[@]}" --json export names >"$odd/names.json"
"$venv/bin/python" "$here/read_export.py" "$1/lake" "$odd/exports" "$odd/names.json"
rm -rf "$odd/exports" "$odd/names.json" "$odd/said"
go test -C "$here/../.." -count 1 ./schemas -run 'TestSimulator$/odd' -answers "$odd"
"$venv/bin/python" "$here/read_schemas.py" "$here/../../schemas" "$1/lake" "$odd" "${SAMPLES:-$here/../../../shared/fixtures}"
go test -C "$here/../.." -count 1 ./extract/raw -run TestPythonReads -python "$venv/bin/python" -log "$(cd "$1" && pwd)/lake/raw"
go test -C "$here/../.." -count 1 -v ./webhook -run TestPythonVerifies -python "$venv/bin/python"
