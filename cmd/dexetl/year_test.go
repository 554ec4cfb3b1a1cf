package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// A yearbook is a study that is synced every hour, without a network and as fast
// as it goes: the fetcher asks the simulated API in this process what sync asks,
// and what it appends is folded and compacted once a day.
type yearbook struct {
	t       *testing.T
	start   time.Time
	now     time.Time
	api     *dexsim.Server
	log     *raw.Log
	fetcher extract.Fetcher
	targets []extract.Target
	fold    load.Loader

	answers  int
	received int64 // bytes of their bodies

	mu      sync.Mutex
	refresh map[string]string // token by participant
	access  map[string]string
}

// newYearbook begins a yearbook in dir, or goes on with the one that is there.
func newYearbook(t *testing.T, dir string, people, days int) *yearbook {
	t.Helper()
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	y := &yearbook{t: t, start: start, now: start, refresh: map[string]string{}, access: map[string]string{}}
	const always = 100 * 365 * 24 * time.Hour
	var err error
	y.api, err = dexsim.New(dexsim.Config{
		Participants: people, Days: days + 1, End: start.AddDate(0, 0, days), Now: func() time.Time { return y.now },
		Held: people, AccessTTL: always, RefreshTTL: always, CallsPerHour: 1 << 30,
	})
	check(t, err)
	y.log, err = raw.Open(filepath.Join(dir, "raw"))
	check(t, err)
	t.Cleanup(func() { check(t, y.log.Close()) })
	for e, err := range y.log.Entries(raw.Position{}) {
		check(t, err)
		y.now, y.answers, y.received = e.AskedAt, y.answers+1, y.received+e.Length
	}
	y.connect()
	y.fetcher = extract.Fetcher{
		Clients: map[string]call.API{"us": &dexcom.Client{BaseURL: "http://127.0.0.1", HTTP: &http.Client{Transport: y}}},
		Tokens:  y, Log: y.log, Cache: study.IndexCache{Dir: filepath.Join(dir, "raw"), Version: "test"}, CallsPerHour: 1 << 30, Now: func() time.Time { return y.now },
	}
	l, err := lake.Open(dir)
	check(t, err)
	t.Cleanup(func() { check(t, l.Close()) })
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	check(t, err)
	t.Cleanup(func() { check(t, guard.Unlock()) })
	y.fold = load.Loader{Lake: l, Log: y.log, Now: y.fetcher.Now, CommitBytes: 1 << 30} // one commit a night
	return y
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (y *yearbook) connect() {
	var file bytes.Buffer
	check(y.t, y.api.WriteTokens(&file))
	rows, err := csv.NewReader(&file).ReadAll()
	check(y.t, err)
	start, end, _ := cohort.Consented(time.Time{}, time.Time{}, nil, cohort.HistoryAll, time.Time{}, time.Time{})
	everything := plan.Window{Start: start, End: end}
	for _, row := range rows[1:] {
		y.refresh[row[0]] = row[1]
		y.targets = append(y.targets, extract.Target{ParticipantID: row[0], ConnectionID: row[0], App: "us", Consented: everything})
	}
}

// RoundTrip asks the simulator.
func (y *yearbook) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	y.api.ServeHTTP(w, r)
	return w.Result(), nil
}

// Token refreshes once: an access token lasts as long as the test.
func (y *yearbook) Token(_ context.Context, participant string) (string, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if token := y.access[participant]; token != "" {
		return token, nil
	}
	form := url.Values{
		"client_id": {dexsim.DefaultClientID}, "client_secret": {dexsim.DefaultClientSecret},
		"grant_type": {"refresh_token"}, "refresh_token": {y.refresh[participant]},
	}
	r := httptest.NewRequest(http.MethodPost, "/v2/oauth2/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	y.api.ServeHTTP(w, r)
	var answer struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Access == "" {
		return "", fmt.Errorf("refresh: status %d, %v", w.Code, err)
	}
	y.access[participant] = answer.Access
	return answer.Access, nil
}

func (y *yearbook) Renew(_ context.Context, participant, _ string) (string, error) {
	return "", fmt.Errorf("%s: an access token that does not expire was refused", participant)
}

// sync syncs everybody, now and an hour later on.
func (y *yearbook) sync() {
	y.t.Helper()
	report, err := y.fetcher.Run(y.t.Context(), extract.Run{ID: fmt.Sprint("RUN", y.now.Unix()), Job: plan.Job{Mode: plan.Sync}}, y.targets)
	if err != nil || report.Outcome != extract.Done {
		y.t.Fatalf("sync at %s: %s, %v, %v", y.now, report.Outcome, err, report.Participants[0].Err)
	}
	y.answers += report.Answers
	y.received += report.Bytes
	y.now = y.now.Add(time.Hour)
}

// hours is how many of the study are over.
func (y *yearbook) hours() int { return int(y.now.Sub(y.start) / time.Hour) }

// night folds what the day brought and compacts what has become old.
func (y *yearbook) night() {
	y.t.Helper()
	_, err := y.fold.Load(y.t.Context(), load.Study{}, "RUN")
	check(y.t, err)
	after := func() time.Time { return y.now.Add(time.Minute) } // a run ends later than its first answer came
	c := load.Compactor{Lake: y.fold.Lake, Log: y.log, Now: after, Segments: 1000}
	_, err = c.Run(y.t.Context())
	check(y.t, err)
}

// size is the log on disk, and how much of it is not compacted yet.
func (y *yearbook) size() (all, open int64) {
	y.t.Helper()
	segments, err := y.log.Segments()
	check(y.t, err)
	for _, s := range segments {
		all += s.Bytes
		if !s.Compacted {
			open += s.Bytes
		}
	}
	return all, open
}

// parquet is the bytes of the snapshot's files, those of table requests apart.
func (y *yearbook) parquet() (records, requests int64) {
	y.t.Helper()
	m, err := y.fold.Lake.Current()
	check(y.t, err)
	for _, f := range m.Files {
		if f.Table == "requests" {
			requests += f.Bytes
		} else {
			records += f.Bytes
		}
	}
	return records, requests
}

// ratio is that of the log to the Parquet, without requests.
func (y *yearbook) ratio() float64 {
	y.t.Helper()
	all, _ := y.size()
	records, _ := y.parquet()
	return float64(all) / float64(records)
}

func (y *yearbook) tell(what string) {
	y.t.Helper()
	all, open := y.size()
	records, requests := y.parquet()
	mb := func(n int64) float64 { return float64(n) / 1e6 }
	y.t.Logf("%s: %d answers of %.1f MB; raw %.1f MB, of which %.1f MB not compacted; Parquet %.1f MB and %.1f MB of requests; raw / Parquet without requests %.2f, with %.2f",
		what, y.answers, mb(y.received), mb(all), mb(open), mb(records), mb(requests), y.ratio(), float64(all)/float64(records+requests))
}

// young is how many days a study may have a log of more than three times its
// Parquet: that of the last day, which is as it was received, weighs much then.
const young = 40

// A log of hourly syncs, compacted, stays below three times the Parquet, of which
// requests, a copy of the log's headers, do not count. DEXETL_YEAR=100x365
// measures that many people and days; with DEXETL_YEAR_DIR, an empty directory,
// it may be stopped, however hard, and goes on from there when it is run again.
func TestHourlySyncsStaySmall(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	people, days := 2, 4
	if size := os.Getenv("DEXETL_YEAR"); size != "" {
		if _, err := fmt.Sscanf(size, "%dx%d", &people, &days); err != nil {
			t.Fatalf("DEXETL_YEAR=%s: want people x days, such as 100x60", size)
		}
	}
	dir := os.Getenv("DEXETL_YEAR_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	y := newYearbook(t, dir, people, days)
	began := time.Now()
	worst := 0.0 // of ten days
	for day := y.hours()/24 + 1; day <= days; day++ {
		for y.hours() < day*24 {
			y.sync()
		}
		y.night()
		ratio := y.ratio()
		worst = max(worst, ratio)
		if ratio >= 3 && day > young {
			t.Errorf("day %d: raw is %.2f times the Parquet, want less than 3", day, ratio)
		}
		if day%10 == 0 || day == days {
			y.tell(fmt.Sprintf("%d people, day %d, after %.0f s", people, day, time.Since(began).Seconds()))
			t.Logf("raw / Parquet without requests at most %.2f since day %d", worst, (day-1)/10*10+1)
			worst = 0
		}
	}
	// What is left is closed and compacted as it will be in some days.
	for range 3 {
		y.now = y.now.Add(24 * time.Hour)
		y.sync()
		y.night()
	}
	y.tell("three quiet days later")
	if ratio := y.ratio(); ratio >= 3 {
		t.Errorf("raw is %.2f times the Parquet, want less than 3", ratio)
	}
	y.replay()
}

// replay folds the log from the start into another lake, which must be equal:
// every table, with the history in it.
func (y *yearbook) replay() {
	y.t.Helper()
	l, err := lake.Open(y.t.TempDir())
	check(y.t, err)
	defer l.Close()
	guard, err := l.Lock(y.t.Context(), 0, lake.Holder{Command: "test"})
	check(y.t, err)
	defer guard.Unlock()
	fold := y.fold
	fold.Lake = l
	_, err = fold.Load(y.t.Context(), load.Study{}, "RUN")
	check(y.t, err)
	grown, again := tableHashes(y.t, y.fold.Lake), tableHashes(y.t, l)
	if diff := cmp.Diff(grown, again); diff != "" || len(grown) < 8 {
		y.t.Errorf("replayed from the compacted log, %d tables (-grown +replayed):\n%s", len(grown), diff)
	}
}

// hashOfTable is the hash of what a table says that says nothing of how it was
// learned.
func hashOfTable(t testing.TB, l *lake.Lake, m lake.Manifest, table string) string {
	t.Helper()
	var rows []arrow.RecordBatch
	for _, f := range m.TableFiles(table) {
		for batch, err := range l.Read(t.Context(), f, lake.ReadOptions{}) {
			check(t, err)
			defer batch.Release()
			rows = append(rows, batch)
		}
	}
	hash, err := lake.LogicalHashOf(rows...)
	check(t, err)
	return hash
}

func tableHashes(t *testing.T, l *lake.Lake) map[string]string {
	t.Helper()
	m, err := l.Current()
	check(t, err)
	hashes := make(map[string]string)
	for _, f := range m.Files {
		if hashes[f.Table] == "" {
			hashes[f.Table] = hashOfTable(t, l, m, f.Table)
		}
	}
	return hashes
}
