package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/serve/vital"
)

// An apiBench is an API of a study that was loaded, and a key for all of it.
type apiBench struct {
	*bench
	service *service
	handler http.Handler
	key     string
}

func newAPIBench(t *testing.T) *apiBench {
	t.Helper()
	b := newBench(t, dexsim.Config{Seed: 7, Participants: 3, Days: 20})
	b.must("backfill")
	v := b.service()
	a := &apiBench{bench: b, service: v, handler: v.api().Handler()}
	a.key = strings.TrimSpace(b.must("keys", "add", "--name", "all", "--scope", "read", "--notes", "--unblinded"))
	return a
}

func (a *apiBench) get(path string) (status int, body string) {
	a.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("x-vital-api-key", a.key)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	check(a.t, err)
	return w.Code, string(text)
}

// The study's own routes answer what the commands print, byte for byte, and refuse what
// they refuse.
func TestAPITellsWhatCommandsPrint(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	day := demoNow.AddDate(0, 0, -10).Format(time.DateOnly)
	for path, command := range map[string]string{
		"metrics":                            "metrics --json",
		"metrics?format=csv":                 "metrics --csv",
		"metrics?participant=P002":           "metrics P002 --json",
		"metrics?participant=P001,P003":      "metrics P001 P003 --json",
		"metrics?from=" + day:                "metrics --json --from " + day,
		"metrics?to=" + day + "&preset=iglu": "metrics --json --preset iglu --to " + day,
		"metrics?select=last7&snapshot=1":    "metrics --json --select last7 --snapshot 1",
		"metrics?sentinels=exclude":          "metrics --json --sentinels exclude",
		"status":                             "status --json",
		"status?participant=P002":            "status P002 --json",
		"snapshots":                          "snapshots list --json",
		"snapshots?limit=1":                  "snapshots list --limit 1 --json",
		"runs":                               "runs --json",
		"runs?limit=1":                       "runs --limit 1 --json",
	} {
		want := a.must(strings.Fields(command)...)
		if status, got := a.get("/v1/" + path); status != 200 || got != want {
			t.Errorf("/v1/%s: %d\n%.300s\nwant what %s prints\n%.300s", path, status, got, command, want)
		}
	}
	for _, table := range []string{"episodes", "span_metrics", "glucose", "participants"} {
		want := a.must("query", "from "+table+" order by all", "--csv")
		if status, got := a.get("/v1/tables/" + table + "?format=csv"); status != 200 || sortedLines(strings.ReplaceAll(got, `,"",`, ",,")) != sortedLines(want) { // it tells empty text from null
			t.Errorf("/v1/tables/%s: %d\n%.300s\nwant\n%.300s", table, status, got, want)
		}
	}
	for path, want := range map[string]string{
		"metrics?preset=mine": "query.preset", "metrics?from=today": "query.from", "metrics?to=2026-02-30": "query.to", "metrics?select=first3": "query.select",
		"metrics?window=none": "query.window", "metrics?select=last3&from=" + day: "query.select", "metrics?from=2026-02-02&to=2026-02-01": "query.to",
		"metrics?participant=P009": `"status":404`, "metrics?snapshot=99": `"status":404`, "status?cohort=none": `"status":404`, "runs?limit=-1": "query.limit",
	} {
		if status, got := a.get("/v1/" + path); status != 422 && status != 404 || !strings.Contains(got, want) {
			t.Errorf("/v1/%s: %d %s, want a refusal about %s", path, status, got, want)
		}
	}
}

func sortedLines(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// configure writes a line of dexetl.yaml, below a key without indentation, in the place of
// one with the same name, as of an hour ago or a bit later.
func (b *bench) configure(section, line string) {
	b.t.Helper()
	path := filepath.Join(b.dir, "dexetl.yaml")
	text, err := os.ReadFile(path)
	check(b.t, err)
	name, _, _ := strings.Cut(line, ":")
	var lines []string
	for l := range strings.SplitSeq(string(text), "\n") {
		if !strings.HasPrefix(l, "  "+name+":") {
			lines = append(lines, l)
		}
	}
	i := slices.IndexFunc(lines, func(l string) bool { return l == section+":" })
	if i < 0 {
		i, lines = 0, append([]string{section + ":"}, lines...)
	}
	lines = slices.Insert(lines, i+1, "  "+line)
	info, err := os.Stat(path)
	check(b.t, err)
	at := info.ModTime().Add(time.Second)
	if time.Since(at) < time.Minute {
		at = time.Now().Add(-time.Hour)
	}
	check(b.t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	check(b.t, os.Chtimes(path, at, at))
}

// A running serve goes by dexetl.yaml as it is now: by study.blinding for keys and webhooks,
// and by serve.redirect_urls. A file that cannot be used unblinds nobody.
func TestConfigurationIsLookedAtAgain(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	user, err := access.Identities{Store: a.service.study.Store}.User(t.Context(), "P001")
	check(t, err)
	secret, _, err := a.service.api().Keys.Add(t.Context(), "blind", access.Rights{Scope: access.Manage})
	check(t, err)
	a.key = string(secret)
	link := func() int {
		r := httptest.NewRequest(http.MethodPost, "/v2/link/token", strings.NewReader(fmt.Sprintf(`{"user_id":%q,"redirect_url":"https://app.example.org/back"}`, user)))
		r.Header.Set("x-vital-api-key", a.key)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		return w.Code
	}
	outbox := a.service.p.outbox(a.service.study)
	for _, step := range []struct {
		section, line string
		glucose, link int
	}{
		{"study", "blinding: false", 200, 422},
		{"serve", "redirect_urls: [https://app.example.org/back]", 200, 200},
		{"study", "blinding: true", 403, 200},
		{"serve", "redirect_urls: []", 403, 422},
		{"study", "blinding: perhaps", 403, 422},
		{"study", "blinding: false", 200, 422},
	} {
		a.configure(step.section, step.line)
		status, body := a.get("/v1/tables/glucose?format=csv&limit=1")
		if got := link(); status != step.glucose || got != step.link || outbox.Blinding() != (step.glucose == 403) {
			t.Errorf("%s %s: glucose %d, link %d, webhooks blinded %t, want %d and %d: %.200s", step.section, step.line, status, got, outbox.Blinding(), step.glucose, step.link, body)
		}
	}
}

// A blinded key is not told how many events and alerts somebody has, nor when; of notes
// only keys with the right for them are.
func TestBlindedKeysAreToldNoCounts(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	a.configure("study", "blinding: true")
	keys := map[string]string{"all": a.key}
	for name, r := range map[string]access.Rights{"blind": {Notes: true}, "sees": {Unblinded: true}} {
		r.Scope = access.Read
		secret, _, err := a.service.api().Keys.Add(t.Context(), name, r)
		check(t, err)
		keys[name] = string(secret)
	}
	const few, most, all = "glucose", "carbohydrates glucose insulin_injection workout_duration", "carbohydrates glucose insulin_injection note workout_duration"
	for name, want := range map[string]struct{ status, introspected string }{
		"blind": {"devices egvs", few}, "sees": {"alerts calibrations devices egvs events", most}, "all": {"alerts calibrations devices egvs events", all},
	} {
		a.key = keys[name]
		var status struct{ Resources []struct{ Resource string } }
		_, body := a.get("/v1/status?participant=P001")
		check(t, json.Unmarshal([]byte(body), &status))
		var told []string
		for _, r := range status.Resources {
			told = append(told, r.Resource)
		}
		slices.Sort(told)
		if got := strings.Join(told, " "); got != want.status {
			t.Errorf("status tells %s of %s, want %s", name, got, want.status)
		}
		var runs struct {
			Rows []struct{ Records, Answers *int }
		}
		_, body = a.get("/v1/runs")
		check(t, json.Unmarshal([]byte(body), &runs))
		if r := runs.Rows[0]; (r.Records == nil) != (name == "blind") || (r.Answers == nil) != (name == "blind") {
			t.Errorf("runs tell %s %s", name, body)
		}
		for _, path := range []string{"resources", "historical_pull"} {
			var page struct {
				Data []struct{ Provider map[string]json.RawMessage }
			}
			_, body := a.get("/v2/introspect/" + path)
			check(t, json.Unmarshal([]byte(body), &page))
			var pulled struct {
				Pulled    map[string]any
				NotPulled []string `json:"not_pulled"`
			}
			raw := page.Data[0].Provider["dexcom_v3"]
			if check(t, json.Unmarshal(raw, &pulled)); path == "resources" {
				check(t, json.Unmarshal(raw, &pulled.Pulled))
			}
			if got := strings.Join(slices.Sorted(maps.Keys(pulled.Pulled)), " "); got != want.introspected || len(pulled.NotPulled) > 0 {
				t.Errorf("%s tells %s of %s, and not of %v, want %s", path, name, got, pulled.NotPulled, want.introspected)
			}
		}
	}
}

// A key of a cohort is told of its people, and nothing of the whole study; one that is
// blinded is not told metrics.
func TestReportsByRights(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	a.must("participants", "import", a.file("more.csv", "participant_id,cohort\nP002,X\n"))
	for name, rights := range map[string]access.Rights{"cohort": {Cohort: "X", Unblinded: true}, "blind": {}} {
		rights.Scope = access.Read
		secret, _, err := a.service.api().Keys.Add(t.Context(), name, rights)
		check(t, err)
		a.key = string(secret)
		a.configure("study", fmt.Sprintf("blinding: %t", name == "blind"))
		for path, want := range map[string]map[string]int{
			"metrics": {"cohort": 200, "blind": 403}, "status": {"cohort": 200, "blind": 200},
			"snapshots": {"cohort": 403, "blind": 200}, "runs": {"cohort": 403, "blind": 200},
		} {
			status, body := a.get("/v1/" + path)
			if status != want[name] {
				t.Errorf("/v1/%s with key %s: %d, want %d: %.200s", path, name, status, want[name], body)
			}
			if name == "cohort" && (strings.Contains(body, "P001") || status == 200 && !strings.Contains(body, "P002")) {
				t.Errorf("/v1/%s tells a key of cohort X of others, or not of P002: %.300s", path, body)
			}
		}
	}
}

// Who was deleted over the API is in no report, and others are as before.
func TestDeletedIsInNoReport(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	check(t, a.service.study.Cohort.Delete(t.Context(), "P002"))
	for _, path := range []string{"metrics", "metrics?format=csv", "status"} {
		status, body := a.get("/v1/" + path)
		if status != 200 || strings.Contains(body, "P002") || !strings.Contains(body, "P001") || !strings.Contains(body, "P003") {
			t.Errorf("/v1/%s: %d, want P001 and P003 alone\n%.300s", path, status, body)
		}
	}
}

// What a person's routes of samples answer is what SQL says of the snapshot.
func TestSamplesAreThoseOfTheSnapshot(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	for _, row := range a.query("select participant_id from participants") {
		user, err := access.Identities{Store: a.service.study.Store}.User(t.Context(), row[0])
		check(t, err)
		path := "/v2/timeseries/" + user.String() + "/%s/grouped?unit=mg/dL&start_date=2000-01-01"
		where := fmt.Sprintf(" from %%s where participant_id = '%s' and ", row[0])
		format := "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S+00:00')"
		for kind, statement := range map[string]string{
			"glucose": "select " + fmt.Sprintf(format, "time_utc") + ", glucose_mgdl::double, epoch(local_time - time_utc)::bigint" +
				fmt.Sprintf(where, "glucose") + "glucose_mgdl is not null order by time_utc",
			"carbohydrates": "select " + fmt.Sprintf(format, "system_time") + ", value, utc_offset_min * 60" +
				fmt.Sprintf(where, "events") + "event_type = 'carbs' and value is not null and event_status <> 'deleted' and vanished_at is null order by system_time, record_id",
			"insulin_injection": "select " + fmt.Sprintf(format, "system_time") + ", value, utc_offset_min * 60" +
				fmt.Sprintf(where, "events") + "event_type = 'insulin' and value is not null and event_status <> 'deleted' and vanished_at is null order by system_time, record_id",
			"workout_duration": "select " + fmt.Sprintf(format, "system_time") + ", value, utc_offset_min * 60" +
				fmt.Sprintf(where, "events") + "event_type = 'exercise' and value >= 0 and event_status <> 'deleted' and vanished_at is null order by system_time, record_id",
		} {
			got, want := a.samples(fmt.Sprintf(path, kind)), a.query(statement)
			if len(got) != len(want) || len(want) == 0 {
				t.Errorf("%s of %s: %d samples, want %d", kind, row[0], len(got), len(want))
				continue
			}
			for i := range want {
				if g := strings.Join(got[i], " "); g != strings.Join(want[i], " ") {
					t.Errorf("%s of %s, %d: %s, want %s", kind, row[0], i, g, want[i])
					break
				}
			}
		}
	}
}

// samples are those of all pages: time, value and offset.
func (a *apiBench) samples(path string) (all [][]string) {
	a.t.Helper()
	for cursor := ""; ; {
		status, body := a.get(path + cursor)
		var p vital.Page[struct {
			Timestamp string   `json:"timestamp"`
			Value     float64  `json:"value"`
			Offset    *float64 `json:"timezone_offset"`
		}]
		if err := json.Unmarshal([]byte(body), &p); status != 200 || err != nil {
			a.t.Fatalf("%s: %d %.300s %v", path, status, body, err)
		}
		for _, g := range p.Groups["dexcom_v3"] {
			for _, s := range g.Data {
				offset := ""
				if s.Offset != nil {
					offset = fmt.Sprint(*s.Offset)
				}
				all = append(all, []string{s.Timestamp, fmt.Sprint(s.Value), offset})
			}
		}
		if p.NextCursor == nil {
			return all
		}
		cursor = "&next_cursor=" + url.QueryEscape(*p.NextCursor)
	}
}
