#!/usr/bin/env bash
# Clients of Vital, as their makers publish them, against `dexetl serve` of a study that the
# simulator feeds: two for Python, two for JavaScript. Each does what a program does, with a
# participant of its own, from a new user over the consent page in a browser to all of the
# data, which must be those of the lake's files. Every method that asks for a route of ours
# is called; the others are listed. What was sent by webhooks meanwhile, two libraries verify.
#   testdata/interop/vital/run.sh DEXETL    the program
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dexetl=$(realpath "$1")
venv=$here/../../../.venv

CHROMIUM=$(command -v chromium chromium-browser google-chrome | head -1 || true)
skip() { echo "interop-vital is skipped: $1" >&2; exit 0; }
command -v python3 >/dev/null || skip "python3 is missing (package python3)"
command -v node >/dev/null && command -v npm >/dev/null || skip "node or npm is missing (packages nodejs and npm)"
[ -n "$CHROMIUM" ] || skip "Chromium is missing (package chromium)"

[ -x "$venv/bin/pip" ] || python3 -m venv "$venv" || { echo "python3 has no venv: install package python3-venv" >&2; exit 1; }
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/../requirements.txt" -r "$here/requirements.txt"
[ "$here/node_modules/.package-lock.json" -nt "$here/package.json" ] || npm install --prefix "$here" --no-package-lock --no-audit --no-fund --silent

work=$(mktemp -d)
started=() clients=()
cleanup() {
	for pid in "${started[@]}" "${clients[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	rm -rf "$work"
}
trap cleanup EXIT

python() { "$venv/bin/python" -W ignore "$@"; }
read -r api dexcom program < <(python - <<-'PORTS'
	import socket
	sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
	print(*(s.getsockname()[1] for s in sockets))
PORTS
)
within() { # seconds, what, command…
	local end=$((SECONDS + $1)) what=$2
	until "${@:3}" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "$what" >&2; tail -n 20 "$work"/*.log >&2; exit 1; }
		sleep 0.2
	done
}
answers() { python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$1"; }

export COMPARED=$work/compared STUDY=$work/study BASE=http://127.0.0.1:$api BACK=http://127.0.0.1:$program/back CHROMIUM PYTHON=$venv/bin/python
START=$(python -c 'from datetime import date, timedelta; print(date.today() - timedelta(days=25))')
export START
"$dexetl" simulate --listen "127.0.0.1:$dexcom" --participants 4 --days 30 >"$work/simulate.log" 2>&1 & started+=($!)
"$dexetl" init "$STUDY" --base-url "http://127.0.0.1:$dexcom" 2>/dev/null
python - "$STUDY/dexetl.yaml" "$BASE" "$BACK" <<-'CONFIG'
	import re, sys
	path, base, back = sys.argv[1:]
	text = re.sub("redirect_uri: .*", f"redirect_uri: {base}/callback", open(path).read())
	with open(path, "w") as file:
	    file.write(text + f"""
	connect: {{public_url: "{base}"}}
	serve: {{listen: "{base.removeprefix('http://')}", schedule: 24h, redirect_urls: ["{back}"]}}
	webhooks: {{allow_private: true}}
	""")
CONFIG
key() { "$dexetl" --study "$STUDY" keys add --name "$@" 2>/dev/null; }
KEY=$(key program --scope manage --notes)
SECRET=$("$dexetl" --study "$STUDY" webhooks add "http://127.0.0.1:$program/hook" --notes 2>/dev/null)
export KEY SECRET
"$PYTHON" "$here/receiver.py" "$program" "$work/deliveries" >"$work/receiver.log" 2>&1 & started+=($!)
"$dexetl" --study "$STUDY" serve >"$work/serve.log" 2>&1 & started+=($!)
within 30 "the simulated Dexcom does not answer" answers "http://127.0.0.1:$dexcom/sim/"
within 30 "the program that receives does not answer" answers "$BACK"
within 60 "dexetl serve does not answer" answers "$BASE/openapi.json"

# All at once, as programs would. The lines of each stay together.
failed=0
client() { # name of its key, command…
	local hurried
	hurried=$(key "$1" --scope read)
	HURRIED=$hurried "${@:2}" >"$work/$1.out" 2>&1 & clients+=($!)
}
client a "$PYTHON" -W ignore "$here/python_client.py" junction P001
client b "$PYTHON" -W ignore "$here/python_client.py" vital P002
client c node "$here/node_client.js" @junction-api/sdk P003
client d node "$here/node_client.js" @tryvital/vital-node P004
for pid in "${clients[@]}"; do wait "$pid" || failed=1; done
cat "$work"/?.out
python "$here/parquet.py" <"$COMPARED" || failed=1
[ "$failed" = 0 ] || grep -v 'status=20' "$work/serve.log" | tail -n 20 >&2

told() { # kinds of events of all four have come
	for kind in provider.connection.created historical.data.glucose.created; do
		[ "$(grep -o "\\\\\"event_type\\\\\":\\\\\"$kind\\\\\"" "$work/deliveries" | wc -l)" -ge 4 ] || return 1
	done
}
within 60 "events did not come" told
python "$here/../verify_webhooks.py" "$work/deliveries" || failed=1
exit "$failed"
