//go:build !race

package dexcom

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// However hostile an answer is, reading it takes as long as it is, and few words say
// what is wrong with it.
func TestHostileAnswersAreRead(t *testing.T) {
	t.Parallel()
	const n, length = 200_000, 20 << 20
	long := strings.Repeat("x", length)
	digits := strings.Repeat("7", 1_000_000)
	for name, part := range map[string]string{
		"names":              several(n, `"n#":0`),
		"long names":         several(n/4, `"`+strings.Repeat("n", 300)+`#":0`),
		"one name":           several(n, `"n":0`),
		"one known name":     several(n, `"userId":"u","recordId":"r"`),
		"names in two cases": several(n, `"RecordId":"r","recordId":"r"`),
		"broken names":       several(n, "\"\xff#\":0"),
		"depth":              `"n":` + nested(9_990),
		"too much depth":     `"n":` + nested(n),
		"depth of objects":   `"n":` + strings.Repeat(`{"a":`, 9_000) + "0" + strings.Repeat("}", 9_000),
		"elements":           `"n":[` + several(n, `#`) + `]`,
		"number":             `"value":` + digits + `,"transmitterTicks":"` + digits + `","recordId":` + digits + `,"userId":` + digits,
		"small number":       `"value":0.` + digits + `e-` + digits,
		"text":               `"recordId":"` + long + `"`,
		"escapes":            `"recordId":"` + strings.Repeat(`\u00e9`, length/6) + `"`,
		"text of a user":     `"userId":"` + long + `"`,
		"text as a time":     `"systemTime":"` + long + `","start":"` + long + `"`,
		"schedules":          `"alertSchedules":[` + several(n, `{"alertSettings":[{},{}]}`) + `]`,
		"ranges":             several(n, `"egvs":{"start":{"systemTime":"2026-03-05"}}`),
	} {
		for _, resource := range []Resource{EGVs, Events, Calibrations, Alerts, Devices, DataRange} {
			began := time.Now()
			inside := pageOf(resource, `{`+part+`}`, `{}`)
			around := fmt.Appendf(nil, `{"recordType":%q,"recordVersion":"3","records":[{}],%s}`, resource, part)
			for where, plain := range map[string][]byte{"record": inside, "envelope": around} {
				_, err := check(t.Context(), plain, resource)
				if err != nil && len(err.Error()) > 500 {
					t.Errorf("%s: %s of %s: an error of %d bytes", name, where, resource, len(err.Error()))
				}
			}
			yielded := 0
			yieldAll(t, resource, inside, func(m *Meta) {
				yielded++
				if len(m.Faults) > maxFaults || len(m.Extra) > maxRecordValues {
					t.Errorf("%s: %s: %d faults, %d unknown fields", name, resource, len(m.Faults), len(m.Extra))
				}
			})
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s: %s took %s", name, resource, took)
			}
		}
	}
}

// Bodies that somebody spoilt are read alike, wherever they are spoilt.
func TestAheadOfSpoiltBodies(t *testing.T) {
	const pieces = `{}[],:"\` + "\n 0-.e5ntf\x00\xff"
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"egvs.json", "events.json", "devices.json"} {
		plain := payload(t, name)
		for range 200 {
			spoilt := bytes.Clone(plain)
			for range 1 + random.IntN(3) {
				at, piece := random.IntN(len(spoilt)), pieces[random.IntN(len(pieces))]
				switch random.IntN(3) {
				case 0:
					spoilt[at] = piece
				case 1:
					spoilt = slices.Insert(spoilt, at, piece)
				default:
					spoilt = slices.Delete(spoilt, at, min(at+1+random.IntN(8), len(spoilt)))
				}
			}
			sameAhead[EGV](t, spoilt)
			sameAhead[Device](t, spoilt)
		}
	}
}
