# make demo    the whole pipeline on a simulated cohort, offline
# make test    all tests with the race detector, but without it those of whole commands, one after the other
# make torture processes killed at every step; KILLS of them refreshing tokens, by SEED;
#              and what the race detector makes too slow or too large: histories and hostile answers
# make study   30 people over 120 days, synced daily with everything going wrong; STUDY=30x120, SEED, KILLS_A_DAY
# make check   what CI runs besides: vet, formatting, staticcheck, module sums
# make interop the demo's lake read from Python by DuckDB, pyarrow and Polars, and its raw log
# make audit   known vulnerabilities (needs the online database)

SHELL       := /bin/bash
# No path of this machine is in the binary, and the system may load it at any
# address. All but the race detector, which cannot, compile for that: once for all.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -trimpath
build demo torture study check interop bench: export GOFLAGS += -buildmode=pie
.DEFAULT_GOAL := build

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
DEMO        := demo
KILLS       := 1000
SEED        := 1
STUDY       := 30x120
KILLS_A_DAY := 3

.PHONY: build demo test torture study check interop audit bench clean prerequisites

prerequisites:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is missing: install package golang-go (Debian: from backports), or the toolchain of go.dev" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "A C compiler is missing (DuckDB is linked in): install package gcc (Debian, Ubuntu: build-essential; Fedora: gcc; macOS: xcode-select --install)" >&2; exit 1; }

build: prerequisites
	go build -buildvcs=auto -o bin/dexetl ./cmd/dexetl

demo: build
	@rm -rf $(DEMO)
	./bin/dexetl demo $(DEMO)

# Without GORACE every process ends with a second's sleep: the race detector's, for
# races of the last moment. Hundreds of the tests' processes end.
test: prerequisites
	GORACE=atexit_sleep_ms=0 go test -race -timeout 40m ./...
	go test -buildmode=pie -timeout 20m -parallel 4 ./cmd/dexetl -unraced

torture: prerequisites
	go test -tags faults ./extract/fault
	go test -tags faults -v -timeout 30m -run 'Torture|Hostile|NeverOverlap|InAnyWords' ./extract/consent -kills $(KILLS) -seed $(SEED)
	go test -tags faults -v -timeout 30m -run Killed ./cmd/dexetl
	go test -tags faults -timeout 30m ./load ./load/reading ./extract/raw
	go test -tags faults -timeout 30m -run 'Refused|Outage|LostNetwork|LittleRoom' ./extract
	go test -tags faults -timeout 30m -run Hostile ./extract/dexcom

study: prerequisites
	for variant in undisturbed compacted killed; do \
		go test -v -timeout 3h -run "TestStudy\$$/$$variant" ./cmd/dexetl -study $(STUDY) -study.seed $(SEED) -study.kills $(KILLS_A_DAY) || exit 1; \
	done

check: prerequisites
	go vet ./...
	go vet -tags faults ./...
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted" >&2; exit 1; fi
	go run $(STATICCHECK) ./...
	go mod verify

interop: demo
	./testdata/interop/run.sh $(DEMO)

audit:
	go run $(GOVULNCHECK) ./...

bench:
	go test -run '^$$' -bench . -benchtime 3x ./...

clean:
	rm -rf bin $(DEMO) .venv
