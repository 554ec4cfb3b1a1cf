package dexsim

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixture reads a payload that Dexcom published; they are not part of the
// project.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fixtures", name))
	if err != nil {
		t.Skip("Dexcom's published payloads are not here: ", err)
	}
	return raw
}

// recent is a window with enough records of a resource and not many more.
func recent(resource string) string {
	days := 12
	if resource == "egvs" {
		days = 1
	}
	return window(resource, dataEnd.AddDate(0, 0, -days), dataEnd)
}

// kindOf is the JSON kind of v, and of what is in it by name.
func kindOf(v any, path string, kinds map[string]map[string]bool) {
	note := func(kind string) {
		if kinds[path] == nil {
			kinds[path] = map[string]bool{}
		}
		kinds[path][kind] = true
	}
	switch v := v.(type) {
	case nil:
		note("null")
	case string:
		note("string")
	case bool:
		note("bool")
	case float64:
		note("number")
	case []any:
		note("array")
		for _, x := range v {
			kindOf(x, path+"[]", kinds)
		}
	case map[string]any:
		note("object")
		for name, x := range v {
			kindOf(x, path+"."+name, kinds)
		}
	}
}

func kindsOf(t *testing.T, kinds map[string]map[string]bool, raw []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("answer %.100s: %v", raw, err)
	}
	kindOf(v, "", kinds)
}

// Every field of Dexcom's own samples is in our answers, with their kind. A
// nullable field may be of one kind there and null here, but not always.
func TestShapeOfFixtures(t *testing.T) {
	tests := map[string]struct {
		resource string
		chaos    Kinds
	}{
		"01-official-v3-alerts.json":        {"alerts", 0},
		"02-official-v3-events.json":        {"events", NumericValue},
		"03-official-v3-calibrations.json":  {"calibrations", 0},
		"04-official-v3-dataRange.json":     {"dataRange", 0},
		"05-official-v3-devices-head.json":  {"devices", 0},
		"07-v3-egvs-glucodesk-test.json":    {"egvs", 0},
		"08-v3-egvs-empty.json":             {"egvs", 0},
		"17-swagger-v3-token-response.json": {"", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want, got := map[string]map[string]bool{}, map[string]map[string]bool{}
			kindsOf(t, want, fixture(t, name))
			cfg := fixed(6, 12)
			cfg.Chaos = Chaos{Kinds: test.chaos, RecordRate: 0.1}
			d := newDesk(t, cfg)
			if test.resource == "" {
				body := d.want("refresh", refreshForm(d.RefreshToken("P001")), 200, "")
				kindOf(any(body), "", got)
			} else {
				path := "/v3/users/self/" + test.resource
				if test.resource != "dataRange" && test.resource != "devices" {
					path = recent(test.resource)
				}
				for _, user := range d.Users() {
					kindsOf(t, got, d.get(path, d.access(user)).Body.Bytes())
				}
			}
			for field, kinds := range want {
				for kind := range kinds {
					if !got[field][kind] {
						t.Errorf("%s is %v in our answers, %s in Dexcom's", field, slices.Collect(maps.Keys(got[field])), kind)
					}
				}
			}
		})
	}
}

var (
	isUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	isHex  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// The fields that Dexcom requires of each record, with our own values: none
// is missing while nothing goes wrong.
func TestRecordFields(t *testing.T) {
	d := newDesk(t, fixed(11, 12))
	required := map[string]string{
		"egvs":         "recordId systemTime displayTime transmitterTicks unit rateUnit displayDevice transmitterGeneration transmitterGenerationVariant transmitterId displayApp",
		"events":       "recordId systemTime displayTime eventStatus eventType displayDevice transmitterGeneration transmitterGenerationVariant transmitterId recordedSystemTime recordedDisplayTime",
		"calibrations": "recordId systemTime displayTime unit value displayDevice transmitterGeneration transmitterGenerationVariant transmitterId transmitterTicks",
		"alerts":       "recordId systemTime displayTime alertName alertState displayDevice transmitterGeneration transmitterGenerationVariant transmitterId displayApp",
	}
	for resource, names := range required {
		seen := 0
		for _, user := range d.Users() {
			for _, raw := range d.ask(recent(resource), d.access(user)).Records {
				f, err := flatten(resource, raw)
				if err != nil {
					t.Fatalf("%s: %v", resource, err)
				}
				seen++
				for name := range strings.FieldsSeq(names) {
					if f[name] == "" {
						t.Fatalf("%s: no %s in %s", resource, name, raw)
					}
				}
				if !isUUID.MatchString(f["recordId"]) || !isHex.MatchString(f["transmitterId"]) {
					t.Fatalf("%s: ids of %s", resource, raw)
				}
				if mobile := f["displayDevice"] != "receiver"; mobile != (f["offset"] != "") {
					t.Fatalf("%s: device and offset of %s", resource, raw)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: no records", resource)
		}
	}
}

// Each arrow stands for its band of rates, whatever the rate.
func TestTrendBands(t *testing.T) {
	want := func(r float64) string {
		switch {
		case r > 8 || r < -8:
			return "rateOutOfRange"
		case r >= 3:
			return "doubleUp"
		case r >= 2:
			return "singleUp"
		case r >= 1:
			return "fortyFiveUp"
		case r > -1:
			return "flat"
		case r > -2:
			return "fortyFiveDown"
		case r > -3:
			return "singleDown"
		}
		return "doubleDown"
	}
	for tenths := -100; tenths <= 100; tenths++ {
		if got := trends()[trendOf(tenths)]; got != want(float64(tenths)/10) {
			t.Errorf("trendOf(%d) is %s, want %s", tenths, got, want(float64(tenths)/10))
		}
	}
}

// Readings of one sensor come every 300 ± 2 s or after a gap, never in its
// warm-up; their ticks count seconds, and values, status and arrows agree.
func TestReadings(t *testing.T) {
	d := newDesk(t, fixed(10, 22))
	gaps, all := 0, 0
	for truth := range d.Truth() {
		last := map[string]EGV{}
		all += len(truth.EGVs)
		for _, e := range truth.EGVs {
			if e.Status != status(*e.Value) || *e.Value < 39 || *e.Value > 401 {
				t.Fatalf("%s: value %v with status %q", truth.Kind, *e.Value, e.Status)
			}
			if e.Rate != nil && e.Trend != trends()[trendOf(int(*e.Rate*10+100.5)-100)] {
				t.Fatalf("%s: rate %v with %s", truth.Kind, *e.Rate, e.Trend)
			}
			key := e.TransmitterID + e.Device
			before, ok := last[key]
			last[key] = e
			if !ok {
				if e.Generation == "g7" && *e.Ticks < 1800 || e.Generation == "g6" && *e.Ticks < 7200 {
					t.Fatalf("%s: first reading %d s after the transmitter's start", truth.Kind, *e.Ticks)
				}
				continue
			}
			step, ticks := e.SystemTime.Sub(before.SystemTime), *e.Ticks-*before.Ticks
			if drift := step - time.Duration(ticks)*time.Second; drift.Abs() > time.Second && e.Device != "receiver" {
				t.Fatalf("%s: %s and %d ticks between two readings", truth.Kind, step, ticks)
			}
			if step > 302*time.Second || step < 298*time.Second {
				gaps++
			}
		}
	}
	if gaps < 20 || gaps > all/20 {
		t.Errorf("%d gaps in %d EGVs, want some", gaps, all)
	}
}

// What makes the kinds of users different.
func TestKinds(t *testing.T) {
	d := newDesk(t, fixed(11, 45))
	for truth := range d.Truth() {
		moments, shadows, offsets, transmitters := map[int]int{}, 0, map[int]bool{}, map[string]bool{}
		for _, e := range truth.EGVs {
			moments[e.Moment]++
			transmitters[e.TransmitterID] = true
			if e.Shadowed {
				shadows++
			}
			if e.OffsetSeconds != nil {
				offsets[*e.OffsetSeconds] = true
			}
		}
		twice := len(truth.EGVs) - len(moments)
		alerts := map[string]bool{}
		for _, a := range truth.Alerts {
			alerts[a.Name] = true
		}
		check := func(what string, ok bool) {
			if !ok {
				t.Errorf("%s: %s: %d EGVs, %d moments, %d shadowed, offsets %v, %d transmitters, %d events, %d calibrations, alerts %v, devices %d",
					truth.Kind, what, len(truth.EGVs), len(moments), shadows, offsets, len(transmitters), len(truth.Events), len(truth.Calibrations), alerts, len(truth.Devices))
			}
		}
		if truth.User == "P011" {
			check("has nothing", len(truth.EGVs)+len(truth.Events)+len(truth.Alerts)+len(truth.Devices) == 0)
			continue
		}
		check("has data", len(moments) > 8000)
		check("two devices", (twice > len(moments)/2) == (truth.Kind == "G6 on phone and receiver"))
		check("two sensors at once", (shadows > 250 && shadows < 300) == (truth.Kind == "G7 with two sensors at once"))
		check("no events", (len(truth.Events) == 0) == (truth.Kind == "ONE on iOS"))
		check("no offsets", (len(offsets) == 0) == (truth.Kind == "G6 on a receiver"))
		check("journey", offsets[3600] == (truth.Kind == "G7 on a journey" || truth.Kind == "G6 on phone and receiver"))
		check("half hours", offsets[19800] == (truth.Kind == "ONE+ on android"))
		check("few alerts", alerts["urgentLow"] != (truth.Kind == "ONE+ on android") && alerts["high"])
		check("transmitters", (len(transmitters) <= 2) == strings.HasPrefix(truth.EGVs[0].Generation, "g6"))
		if truth.Kind == "G7 on iOS" {
			check("daylight saving time", offsets[-18000] && offsets[-14400])
		}
	}
}
