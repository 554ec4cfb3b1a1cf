# make demo    the whole pipeline on a simulated cohort, offline
# make test    all tests, at full size without the race detector; with it, what goes on at once
# make torture processes killed at every step; KILLS of them refreshing tokens, by SEED,
#              and HOOK_KILLS telling webhooks; DISK_KILLS syncing, and disks that fail at
#              DISK_CALLS calls of a run (0: at every one) or are too small, of DISK_SIZES sizes
# make study   30 people over 120 days, synced daily with everything going wrong; STUDY=30x120, SEED, KILLS_A_DAY
# make simulate-seeds  whole studies, each drawn from a seed: people, weather, faults, kills; SEEDS=20 of them from SEED on
# make check   what CI runs besides: vet, formatting, staticcheck, module sums
# make bench   how fast it is: a simulated cohort, whole processes, and the floor beside them; docs/performance.md
#              SIZE=16x180 (participants x days; several with commas), RUNS, SYNCS, PROGRAMS, LINES, PROFILE
# make bench-peers  the same egvs landed by pandas and DuckDB, and by dlt for SIZE_DLT
# make bench-metrics  the metric views over READINGS=10 million synthetic readings
# make bench-cohort   the metrics of COHORT=1000x14 as processes: published first, then each view read
# make bench-stages one step of the way after the other
# make interop the demo's lake read from Python by DuckDB, pyarrow and Polars, its raw log,
#              and the schemas by jsonschema and json-structure
# make interop-vital  clients of Vital for Python and JavaScript, unmodified, against dexetl serve;
#              without npm or Chromium it says that it is skipped, and fails with CI_REQUIRE=1
# make pages   every page of a report in headless Chromium, with axe-core; SHOTS=folder for screenshots; needs npm
# make bench-service  from the instant at which Dexcom has a reading to the webhook with it: PEOPLE, FOR so long
# make parity  every metric against the values of the R package iglu, where its reference data are
# make audit   known vulnerabilities (needs the online database)

SHELL       := /bin/bash
# No path of this machine is in the binary, and the system may load it at any
# address. All but the race detector, which cannot, compile for that: once for all.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -trimpath
build demo torture study simulate-seeds check interop interop-vital pages bench bench-peers bench-metrics bench-cohort bench-service bench-stages: export GOFLAGS += -buildmode=pie
.DEFAULT_GOAL := build

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
DEMO        := demo
KILLS       := 1000
HOOK_KILLS  := 200
DISK_KILLS  := 1000
DISK_CALLS  := 0
DISK_SIZES  := 40
SEED        := 1
SEEDS       := 20
STUDY       := 30x120
KILLS_A_DAY := 3
SIZE        := 16x180
SIZE_DLT    := 4x60
RUNS        := 3
SYNCS       := 4
PROGRAMS    :=
LINES       :=
PROFILE     :=

.PHONY: build demo test torture study simulate-seeds check parity interop interop-vital pages audit bench bench-peers bench-metrics bench-cohort bench-service bench-stages clean prerequisites

prerequisites:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is missing: install package golang-go (Debian: from backports), or the toolchain of go.dev" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "A C compiler is missing (DuckDB is linked in): install package gcc (Debian, Ubuntu: build-essential; Fedora: gcc; macOS: xcode-select --install)" >&2; exit 1; }

build: prerequisites
	go build -buildvcs=auto -o bin/dexetl ./cmd/dexetl

demo: build
	@rm -rf $(DEMO)
	./bin/dexetl demo $(DEMO)

# Where neither a package nor its tests, benchmarks aside, start goroutines or serve, the
# race detector would see nothing, and make all several times as slow.
AT_ONCE := ^[[:space:]]*go (func|[A-Za-z_.]+\()|\.Go\(|httptest\.New(TLS|Unstarted)?Server|http\.Server
ALL    = $(shell go list ./... | sed 's,^[^/]*/[^/]*/[^/]*/,./,')
RACED  = $(foreach folder,$(ALL),$(if $(shell grep -lE '$(AT_ONCE)' $(filter-out %_bench_test.go,$(wildcard $(folder)/*.go))),$(folder)))
# Where tests know whether it watches, it sees less of them, or not all.
PARTLY = $(foreach folder,$(RACED),$(if $(shell grep -sl '^//go:build !race' $(folder)/*_test.go),$(folder)))

# Without GORACE every process ends with a second's sleep: the race detector's, for
# races of the last moment. Hundreds of the tests' processes end. make check vets.
test: prerequisites
	GORACE=atexit_sleep_ms=0 go test -race -vet=off -timeout 40m $(RACED)
	UNRACED=1 go test -buildmode=pie -vet=off -timeout 40m -parallel 4 $(PARTLY) $(filter-out $(RACED),$(ALL))

torture: prerequisites
	go test -tags faults -vet=off ./extract/fault/...
	go test -tags faults -vet=off -v -timeout 30m -run Torture ./extract/consent -kills $(KILLS) -seed $(SEED)
	go test -tags faults -vet=off -v -timeout 4h -parallel 4 -run 'Killed|TestDisk(Fails|TooSmall)|TestPowerCut' ./cmd/dexetl -webhooks.kills $(HOOK_KILLS) \
		-study.seed $(SEED) -disk.kills $(DISK_KILLS) -disk.calls $(DISK_CALLS) -disk.sizes $(DISK_SIZES)

study: prerequisites
	for variant in undisturbed compacted killed; do \
		go test -v -timeout 3h -run "TestStudy\$$/$$variant" ./cmd/dexetl -study $(STUDY) -study.seed $(SEED) -study.kills $(KILLS_A_DAY) || exit 1; \
	done

simulate-seeds: prerequisites
	go test -tags faults -v -timeout 12h -run 'TestSimulation$$' ./cmd/dexetl -simulate $(SEEDS) -simulate.seed $(SEED)

check: prerequisites
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted" >&2; exit 1; fi
	go vet ./...
	go vet -tags faults ./...
	go run $(STATICCHECK) ./...
	go mod verify

# The reference is not part of the project: without it the test says that it is skipped.
parity: prerequisites
	PARITY=1 go test -count=1 -v -run '^TestParity$$' ./metrics

interop: demo
	./testdata/interop/run.sh $(DEMO)

interop-vital: build
	./testdata/interop/vital/run.sh bin/dexetl

pages: prerequisites
	./testdata/pages/run.sh $(SHOTS)

audit:
	go run $(GOVULNCHECK) ./...

# The test program of a commit is what PROGRAMS takes: new=bin/dexetl.test,old=…
.PHONY: bin/dexetl.test
bin/dexetl.test: prerequisites
	go test -c -o $@ ./cmd/dexetl

SPEED := bin/dexetl.test -test.run 'TestSpeed$$' -test.timeout 3h -speed.runs $(RUNS) -speed.programs '$(PROGRAMS)' -speed.json '$(LINES)'
# A sample of a profile counts for the innermost of these functions.
STAGES := dexcom.*Client..Do|raw.*Log..Append|raw.Entry.Plain|transform.Apply|load.*foldKeyed|load/reading.(InMonths|Since)|load.*(egvRows..records|glucoseRows|difference|gather|rewriteAll)|lake.hashRows|lake.*Writer..(Write|Close)|lake.*Lake..(Read|Check)|lake.*fileReader..next|snapshot.Publish|load.Diff|gcBgMarkWorker|runtime.schedule
bench: bin/dexetl.test
	$(SPEED) -speed $(SIZE) -speed.syncs $(SYNCS) -speed.profile '$(PROFILE)'
	@for profile in $(if $(PROFILE),$(PROFILE)/*.pprof); do \
		echo; basename $$profile; go tool pprof -top -nodecount 40 -show '$(STAGES)' $$profile 2>/dev/null | sed '1,/flat%/d'; \
	done

# dlt has a cohort of its own: it takes long.
PEERS := testdata/peers
bench-peers: bin/dexetl.test
	testdata/peers/install.sh
	$(SPEED) -speed $(SIZE) -speed.peers '$(PEERS)/pandas_parquet.py,$(PEERS)/duckdb_json.py'
	$(SPEED) -speed $(SIZE_DLT) -speed.peers '$(PEERS)/dlt_merge.py parquet,$(PEERS)/dlt_merge.py insert_values'

# By the clock on the wall: the schedule is the one that serve has by itself.
PEOPLE := 100
FOR    := 50m
bench-service: bin/dexetl.test
	bin/dexetl.test -test.run 'TestDelay$$' -test.timeout 6h -test.v -delay $(FOR) -delay.people $(PEOPLE)

READINGS := 10
bench-metrics: prerequisites
	go test -run '^$$' -bench Metrics -benchtime 3x ./sql -readings $(READINGS)

COHORT := 1000x14
bench-cohort: bin/dexetl.test
	bin/dexetl.test -test.run 'TestSpeedOfViews$$' -test.timeout 3h -speed.views $(COHORT)

bench-stages: prerequisites
	go test -run '^$$' -bench . -benchtime 3x ./...

clean:
	rm -rf bin $(DEMO) .venv
