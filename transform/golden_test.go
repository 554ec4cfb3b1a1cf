package transform

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexcom"
)

var update = flag.Bool("update", false, "write the golden files anew")

var payloads = filepath.Join("..", "testdata", "dexcom")

var resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices}

// The project's own payloads, with anomalies of every kind, and all the rows
// they become.
func TestGolden(t *testing.T) {
	for _, resource := range resources {
		body, err := os.ReadFile(filepath.Join(payloads, string(resource)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		a := answerOf(resource, body)
		a.ServerDate = time.Date(2026, 3, 5, 21, 0, 0, 0, time.UTC)
		got := printed(apply(t, a))
		golden := filepath.Join(payloads, "rows", string(resource)+".txt")
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatalf("%v; go test -run Golden -update writes it", err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("rows of %s.json (-want +got):\n%s", resource, diff)
		}
	}
}

// printed shows a batch: tables in the order of the documentation, one column
// a line, nulls left out.
func printed(a applied) string {
	var b strings.Builder
	for _, table := range Tables() {
		for i, r := range a.rows[table.Name] {
			fmt.Fprintf(&b, "%s %d\n", table.Name, i+1)
			for _, c := range table.Columns {
				if v, ok := r[c.Name]; ok {
					fmt.Fprintf(&b, "  %-30s %v\n", c.Name, v)
				}
			}
		}
	}
	for _, w := range a.Warnings {
		fmt.Fprintf(&b, "warning: %s %q %d\n", w.Field, w.Value, w.Count)
	}
	fmt.Fprintf(&b, "%d records, %d rejected\n", a.Records, a.Rejected)
	return b.String()
}

// The samples that Dexcom publishes, where they are at hand.
func TestPublishedSamples(t *testing.T) {
	folder := filepath.Join("..", "..", "shared", "fixtures")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published samples are not at hand: " + err.Error())
	}
	for _, test := range []struct {
		file     string
		resource dexcom.Resource
		want     row
	}{
		{"01-official-v3-alerts.json", dexcom.Alerts, row{"alert_name": "high", "alert_state": "activeAlarming", "utc_offset_min": 0, "system_time": "2022-12-05T15:00:25.438"}},
		{"02-official-v3-events.json", dexcom.Events, row{"value": 400.0, "value_text": "400", "unit": "units", "utc_offset_min": -480, "event_subtype": "longActing"}},
		{"03-official-v3-calibrations.json", dexcom.Calibrations, row{"glucose_mgdl": 124, "utc_offset_min": -480, "utc_offset_source": "derived", "transmitter_ticks": 72364324786}},
		{"05-official-v3-devices-head.json", dexcom.Devices, row{"n_alert_schedules": 1, "display_app": "G7Android", "last_upload_date": "2021-11-09T15:57:34"}},
		{"07-v3-egvs-glucodesk-test.json", dexcom.EGVs, row{"glucose_mgdl": 101, "trend_rate_mgdl_min": 0.0, "status": absent{}, "utc_offset_min": -480}},
	} {
		body, err := os.ReadFile(filepath.Join(folder, test.file))
		if err != nil {
			t.Fatal(err)
		}
		got := apply(t, answerOf(test.resource, body))
		if got.Records != 1 || got.Rejected != 0 || len(got.Warnings) > 0 {
			t.Errorf("%s: %d records, %d rejected, warnings %v", test.file, got.Records, got.Rejected, got.Warnings)
			continue
		}
		r := got.rows[string(test.resource)][0]
		expect(t, test.file, r, test.want)
		expect(t, test.file, r, row{"extra": absent{}})
	}
}

// Whatever the body, every record is a row or a reject, nothing leaks, and
// extra is canonical JSON.
func FuzzApply(f *testing.F) {
	for i, resource := range resources {
		body, err := os.ReadFile(filepath.Join(payloads, string(resource)+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, body)
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		resource := resources[uint(which)%uint(len(resources))]
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		batch, err := Apply(t.Context(), mem, answerOf(resource, body))
		if err == nil {
			checkBatch(t, resource, batch)
			batch.Release()
		}
		mem.AssertSize(t, 0)
	})
}

func checkBatch(t *testing.T, resource dexcom.Resource, batch Batch) {
	rows := map[string][]row{}
	for name, b := range batch.Tables {
		table, _ := TableNamed(name)
		rows[name] = rowsOf(t, table, b)
		for _, r := range rows[name] {
			for column, v := range r {
				if text, ok := v.(string); ok && strings.ToValidUTF8(text, "") != text {
					t.Errorf("%s.%s is not valid UTF-8: %q", name, column, text)
				}
			}
			if extra, ok := r["extra"].(string); ok && string(canonical([]byte(extra), verbatim)) != extra {
				t.Errorf("%s.extra is not canonical: %s", name, extra)
			}
		}
	}
	if n := len(rows[string(resource)]) + len(rows["rejects"]); n != batch.Records || len(rows["rejects"]) != batch.Rejected {
		t.Errorf("%d records, %d rejected: %d rows of %s, %d of rejects", batch.Records, batch.Rejected, len(rows[string(resource)]), resource, len(rows["rejects"]))
	}
	notes := slices.DeleteFunc(rows["events"], func(r row) bool { return r["event_type"] != "notes" })
	if len(notes) != len(rows["event_notes"]) {
		t.Errorf("%d events are notes, %d rows of event_notes", len(notes), len(rows["event_notes"]))
	}
}
