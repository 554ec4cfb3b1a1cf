#!/usr/bin/env bash
# Every page of dexetl report in headless Chromium: no complaint on the console, no request
# to the network, no scrolling sideways, and nothing serious by axe-core, which is for
# pages that everybody can use.
#   testdata/pages/run.sh [SHOTS]    folder for screenshots
# Where something that it needs is missing nothing is tried, which it says aloud; with
# CI_REQUIRE=1 that is a failure.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shots=${1:+$(realpath "$1")}

missing=()
for needed in go node:nodejs npm; do command -v "${needed%:*}" >/dev/null || missing+=("${needed#*:}"); done
command -v chromium chromium-browser google-chrome >/dev/null || missing+=(chromium)
if [ ${#missing[@]} -gt 0 ]; then
	printf '\nSKIPPED: pages. No page of a report was opened in a browser.\nMissing packages: %s\n\n' "${missing[*]}" >&2
	[ "${CI_REQUIRE:-}" != 1 ] || { echo "CI_REQUIRE=1: what is skipped has failed" >&2; exit 1; }
	exit 0
fi
[ "$here/node_modules/.package-lock.json" -nt "$here/package.json" ] || npm install --prefix "$here" --no-package-lock --no-audit --no-fund --silent
cd "$here/../.."
go test -count=1 -v -timeout 20m -run '^TestReportInChromium$' ./cmd/dexetl \
	-axe "$here/node_modules/axe-core/axe.min.js" ${shots:+-report.shots "$shots"}
