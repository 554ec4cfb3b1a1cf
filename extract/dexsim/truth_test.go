package dexsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A flatRecord is a record as field and text, so that two ways to it compare.
type flatRecord map[string]string

const wallClock = "2006-01-02T15:04:05.999"

// readTime reads a time of the API: the wall clock in the form of wallClock
// and the offset in seconds, "" if there is none. It is as naive as can be,
// and fails on anything but a date and a time.
func readTime(text string) (wall, offset string, err error) {
	if len(text) < 16 || text[10] != 'T' {
		return "", "", fmt.Errorf("time %q has no known shape", text)
	}
	wall, zone := text, ""
	if i := strings.IndexAny(text[16:], "Z+-"); i >= 0 {
		wall, zone = text[:16+i], text[16+i:]
	}
	if len(wall) == 16 {
		wall += ":00"
	}
	switch zone {
	case "", "Z", "+00:00":
		return wall, strings.Repeat("0", min(1, len(zone))), nil
	}
	seconds := 0
	for i, part := range strings.Split(zone[1:], ":") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return "", "", fmt.Errorf("time %q: %w", text, err)
		}
		seconds += n * []int{3600, 60, 1}[i]
	}
	if zone[0] == '-' {
		seconds = -seconds
	}
	return wall, strconv.Itoa(seconds), nil
}

// flatten reads what was served, by names of fields that Dexcom documents.
// Null, absent and, but for event values, empty fields are left out.
func flatten(resource string, raw json.RawMessage) (flatRecord, error) {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil || fields == nil {
		return nil, fmt.Errorf("not an object: %s", raw)
	}
	flat := flatRecord{}
	extra := map[string]any{}
	for name, value := range fields {
		text, ok := value.(string)
		if n, is := value.(json.Number); is {
			text, ok = n.String(), true
		}
		switch {
		case value == nil:
		case name == "sensorLot" || name == "confidence" || name == "firmware":
			extra[name] = value
		case !ok:
			return nil, fmt.Errorf("%s is neither text nor number: %s", name, raw)
		case strings.HasSuffix(name, "Time"):
			wall, offset, err := readTime(text)
			if err != nil {
				return nil, err
			}
			if name == "displayTime" && offset != "" {
				flat["offset"] = offset
			}
			if name == "systemTime" && offset != "0" && offset != "" {
				return nil, fmt.Errorf("systemTime %s is not UTC", text)
			}
			flat[name] = wall
		case text != "" || name == "value" && resource == "events":
			flat[name] = text
		}
	}
	if _, ok := flat["systemTime"]; !ok {
		return nil, fmt.Errorf("no systemTime: %s", raw)
	}
	if len(extra) > 0 {
		text, _ := json.Marshal(extra)
		flat["extra"] = string(text)
	}
	return flat, nil
}

func (f flatRecord) put(name, value string) flatRecord {
	if value != "" {
		f[name] = value
	}
	return f
}

func flatCommon(c Common) flatRecord {
	f := flatRecord{
		"recordId":    c.RecordID,
		"systemTime":  c.SystemTime.Format(wallClock),
		"displayTime": c.DisplayTime.Format(wallClock),
	}
	f.put("transmitterId", c.TransmitterID).put("transmitterGeneration", c.Generation)
	f.put("transmitterGenerationVariant", c.Variant).put("displayDevice", c.Device).put("displayApp", c.App)
	if c.OffsetSeconds != nil {
		f["offset"] = strconv.Itoa(*c.OffsetSeconds)
	}
	if c.Ticks != nil {
		f["transmitterTicks"] = strconv.FormatInt(*c.Ticks, 10)
	}
	if c.Extra != "" {
		var extra map[string]any
		_ = json.Unmarshal([]byte(c.Extra), &extra)
		text, _ := json.Marshal(extra)
		f["extra"] = string(text)
	}
	return f
}

func floatText(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// flatTruth is the truth about one resource in the form of flatten.
func flatTruth(t Truth, resource string) []flatRecord {
	var list []flatRecord
	switch resource {
	case "egvs":
		for _, e := range t.EGVs {
			f := flatCommon(e.Common).put("value", floatText(e.Value)).put("unit", e.Unit).put("status", e.Status)
			list = append(list, f.put("trend", e.Trend).put("trendRate", floatText(e.Rate)).put("rateUnit", e.RateUnit))
		}
	case "events":
		for _, e := range t.Events {
			f := flatCommon(e.Common).put("eventType", e.Type).put("eventSubType", e.SubType).put("unit", e.Unit).put("eventStatus", e.Status)
			f["recordedSystemTime"] = e.RecordedSystemTime.Format(wallClock)
			f["recordedDisplayTime"] = e.RecordedDisplayTime.Format(wallClock)
			if e.Value != nil {
				f["value"] = *e.Value
			}
			list = append(list, f)
		}
	case "calibrations":
		for _, c := range t.Calibrations {
			list = append(list, flatCommon(c.Common).put("value", floatText(c.Value)).put("unit", c.Unit))
		}
	case "alerts":
		for _, a := range t.Alerts {
			list = append(list, flatCommon(a.Common).put("alertName", a.Name).put("alertState", a.State))
		}
	}
	return list
}

func byID(t *testing.T, resource string, list []flatRecord) map[string]flatRecord {
	t.Helper()
	ids := make(map[string]flatRecord, len(list))
	for _, f := range list {
		if _, ok := ids[f["recordId"]]; ok {
			t.Errorf("%s: record %s twice", resource, f["recordId"])
		}
		ids[f["recordId"]] = f
	}
	return ids
}

// checkTruth walks all that c's user has and holds it against the truth.
func checkTruth(t *testing.T, s *Server, c *client, user string, from, to time.Time) {
	t.Helper()
	truth, ok := s.TruthOf(user)
	if !ok {
		t.Fatalf("TruthOf(%q): no such user", user)
	}
	var rejects []string
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		var served []flatRecord
		for _, raw := range c.walk(resource, from, to) {
			f, err := flatten(resource, raw)
			if err != nil {
				rejects = append(rejects, string(raw))
				continue
			}
			served = append(served, f)
		}
		got, want := byID(t, resource, served), byID(t, resource, flatTruth(truth, resource))
		compare(t, user+" "+resource, got, want)
		ids := s.Served(user, resource)
		if slices.Sort(ids); !slices.Equal(ids, slices.Sorted(maps.Keys(want))) {
			t.Errorf("Served(%s, %s): %d ids, want the %d of the truth", user, resource, len(ids), len(want))
		}
	}
	var want []string
	for _, r := range truth.Rejects {
		want = append(want, r.Raw)
	}
	slices.Sort(rejects)
	slices.Sort(want)
	if !slices.Equal(rejects, want) {
		t.Errorf("%s: rejects %q, want %q", user, rejects, want)
	}
}

func compare(t *testing.T, what string, got, want map[string]flatRecord) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: served %d records, truth has %d", what, len(got), len(want))
	}
	wrong := 0
	for id, f := range want {
		if !maps.Equal(got[id], f) && wrong < 3 {
			wrong++
			t.Errorf("%s: record %s\n got %v\nwant %v", what, id, got[id], f)
		}
	}
}

// Whatever goes wrong, the truth is what a reader has who asked for everything.
func TestTruthIsServed(t *testing.T) {
	for name, test := range map[string]struct {
		days  int
		chaos Chaos
	}{
		"calm":      {2, Chaos{}},
		"data":      {3, Chaos{Kinds: AllData, RecordRate: 0.4}},
		"transport": {1, Chaos{Kinds: AllTransport &^ Huge, FaultRate: 0.8, MaxFaults: 3, Slow: time.Millisecond, RetryAfter: time.Millisecond}},
		"all":       {1, Chaos{Kinds: AllData | AllTransport, Slow: time.Millisecond, Huge: 1 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := fixed(11, test.days)
			cfg.Chaos = test.chaos
			s, h := start(t, cfg)
			for _, user := range s.Users() {
				c := &client{t: t, server: h, token: s.RefreshToken(user), tries: 8}
				c.refresh()
				checkTruth(t, s, c, user, dataEnd.AddDate(0, 0, -50), dataEnd.AddDate(0, 0, 5))
			}
			if stats := s.Stats(); name == "calm" && (stats.OverlapsOpen != 0 || stats.Calls != 11*4*2+stats.Repeats) {
				t.Errorf("Stats: %+v, want 88 calls and the repeated ones, none overlapping", stats)
			}
		})
	}
}
