package transform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// several writes n of a text, with their number in the place of #.
func several(n int, text string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return b.String()
}

// Of a long reject its start is told, cut between two characters, with its length
// and its hash; of an event without what a person may have written.
func TestLongRejects(t *testing.T) {
	for _, resource := range resources {
		for _, pad := range []string{"x", "é", "\xff", `\u00e9`} {
			for _, n := range []int{1, 4000, 4090, 200_000} {
				record := `{"systemTime":"2026-03-05T18:04:55Z","extra":"` + strings.Repeat(pad, n) + `","lastUploadDate":"noon","displayTime":"noon"}`
				got := apply(t, answerOf(resource, pageOf(resource, record)))
				if len(got.rows["rejects"]) != 1 {
					t.Fatalf("%s: %v, want a reject", resource, got.rows)
				}
				sum := sha256.Sum256([]byte(record))
				one := got.rows["rejects"][0]
				expect(t, fmt.Sprint(resource, pad, n), one, row{"raw_bytes": len(record), "raw_sha256": hex.EncodeToString(sum[:])})
				raw := one["raw"].(string)
				whole := strings.ToValidUTF8(record, "\uFFFD")
				if resource == dexcom.Events {
					whole = strings.Replace(record, `"`+strings.Repeat(pad, n)+`"`, fmt.Sprintf(`"(%d bytes, in the raw log only)"`, n*len(pad)+2), 1)
					whole = strings.Replace(whole, `"lastUploadDate":"noon"`, `"lastUploadDate":"(6 bytes, in the raw log only)"`, 1)
				}
				if !utf8.ValidString(raw) || len(raw) > 4096 || !strings.HasPrefix(whole, raw) || len(whole) <= 4096 && raw != whole || len(whole) > 4096 && len(raw) < 4093 {
					t.Errorf("%s, %d times %q: raw has %d bytes of %d: %.100q", resource, n, pad, len(raw), len(whole), raw)
				}
				if at := time.Date(2026, 3, 5, 18, 4, 55, 0, time.UTC); len(got.RejectedAt) != 1 || !got.RejectedAt[0].Equal(at) {
					t.Errorf("%s: rejected at %v, want %s", resource, got.RejectedAt, at)
				}
			}
		}
	}
}

// The time of a reject is read wherever it stands in the record, but not within
// something else.
func TestRejectedAt(t *testing.T) {
	at := time.Date(2026, 3, 5, 18, 4, 55, 0, time.UTC)
	pad := `"pad":"` + strings.Repeat("x", 10_000) + `",`
	for record, want := range map[string]time.Time{
		`{` + pad + `"systemTime":"2026-03-05T18:04:55Z","value":"high"}`:             at,
		`{"SystemTime":"2026-03-05T10:04:55-08:00","value":"high"}`:                   at,
		`{"systemTime":"2025-03-05","systemTime":"2026-03-05T18:04:55Z"}`:             at,
		`{"of":{"systemTime":"2026-03-05T18:04:55Z"},"value":"high"}`:                 {},
		`{"systemTime":["2026-03-05T18:04:55Z"],"value":"high"}`:                      {},
		`{"systemTime":"noon","value":"high"}`:                                        {},
		`["systemTime","2026-03-05T18:04:55Z"]`:                                       {},
		`{"value":"high","systemTime":"2026-03-05T18:04:55Z","a":` + nested(50) + `}`: at,
	} {
		got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs, `{`+when+`}`, record)))
		if len(got.RejectedAt) != 1 || !got.RejectedAt[0].Equal(want) {
			t.Errorf("%.100s: rejected at %v, want %v", record, got.RejectedAt, want)
		}
	}
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// Of very many unknown fields and values the first ones are named, in a few
// printable words each, and all are counted.
func TestManyWarnings(t *testing.T) {
	for name, fields := range map[string]string{
		"fields": `"f#":1`, "values": `"trend":"v#"`, "long values": `"trend":"` + strings.Repeat("v", 1_000) + `\u001b#"`, "fields to read": `"\u001b[31mf#":1`,
	} {
		const n = 250
		records := make([]string, n)
		for i := range records {
			records[i] = `{` + when + `,` + strings.ReplaceAll(fields, "#", strconv.Itoa(i)) + `}`
		}
		got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs, records...)))
		named := 0
		for _, w := range got.Warnings {
			named += w.Count
			if strings.Contains(w.Field+w.Value, "\x1b") || len(w.Field)+len(w.Value) > 1000 {
				t.Errorf("%s: warning of %q %q", name, w.Field, w.Value)
			}
		}
		if len(got.Warnings) > MaxWarnings || named+got.Unnamed != n || got.Rejected > 0 {
			t.Errorf("%s: %d warnings of %d, and %d unnamed; want at most %d, %d in all", name, len(got.Warnings), named, got.Unnamed, MaxWarnings, n)
		}
	}
}

// What the settings of a device repeat may be as much as any real one repeats, and
// not very much more.
func TestRepeatedSettings(t *testing.T) {
	schedule := func(settings int, pad string) string {
		return `{"alertScheduleSettings":{"alertScheduleName":"` + pad + `","isDefaultSchedule":true},"new":"` + pad + `","alertSettings":[` +
			several(settings, `{"alertName":"high","value":#,"unit":"mg/dL"}`) + `]}`
	}
	for _, test := range []struct {
		name, device string
		rows         int // of alert_settings; 0: rejected
	}{
		{"real", `{"alertSchedules":[` + several(5, schedule(15, strings.Repeat("n", 40))) + `]}`, 75},
		{"many settings", `{"alertSchedules":[` + schedule(2000, "") + `]}`, 0},
		{"many schedules", `{"alertSchedules":[` + several(2000, `{}`) + `]}`, 0},
		{"a long name, once", `{"alertSchedules":[` + schedule(1, strings.Repeat("n", 1_000)) + `]}`, 1},
		{"a long name", `{"alertSchedules":[` + schedule(150, strings.Repeat("n", 1_000)) + `]}`, 0},
		{"many of a short device", `{"transmitterId":"n","alertSchedules":[` + schedule(200, "") + `]}`, 200},
		{"a long device", `{"transmitterId":"` + strings.Repeat("n", 1_000) + `","alertSchedules":[` + schedule(200, "") + `]}`, 0},
	} {
		got := apply(t, answerOf(dexcom.Devices, pageOf(dexcom.Devices, test.device)))
		if len(got.rows["alert_settings"]) != test.rows || got.Rejected != 1-min(1, test.rows) {
			t.Errorf("%s: %d settings, %d rejected; want %d settings", test.name, len(got.rows["alert_settings"]), got.Rejected, test.rows)
		}
		if test.rows == 0 {
			expect(t, test.name, got.rows["rejects"][0], row{"reason": string(dexcom.TooMany), "field": "alertSettings"})
		}
	}
}

// A context that ends, ends the transformation at the next record.
func TestApplyStops(t *testing.T) {
	for _, resource := range resources {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		batch, err := Apply(ctx, mem, answerOf(resource, pageOf(resource, `{`+when+`}`)))
		if !errors.Is(err, context.Canceled) || batch.Tables != nil {
			t.Errorf("%s: %v, %v; want no rows and context.Canceled", resource, batch.Tables, err)
		}
		mem.AssertSize(t, 0)
	}
}
