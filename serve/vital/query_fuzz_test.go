package vital

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/serve/api"
)

// Whatever dates and cursors say, they are read or refused with a sentence; and what a
// cursor says comes back.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+02:00", "2026-01-31 08:00", "9999-12-31", "0000-00-00", "-1", "2026-01-31T24:00:00"} {
		f.Add(seed, seed, "", "")
	}
	f.Add("2026-01-01", "", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, start, end, cursor, next string) {
		in := groupedInput{UserID: uuid.Nil, StartDate: start, EndDate: end, Cursor: cursor, NextCursor: next}
		q, err := in.read("glucose")
		if err != nil {
			if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != 422 || len(p.Wrong) != 1 {
				t.Fatalf("%q: %v", []string{start, end, cursor, next}, err)
			}
			return
		}
		if y := q.stretch.From.Year(); y < -1 || y > 10_000 {
			t.Fatalf("%q is the year %d", start, y)
		}
		if end == "" && !q.stretch.To.IsZero() {
			t.Fatalf("no end is %v", q.stretch.To)
		}
		if q.stretch.From.Format(time.RFC3339) == "" {
			t.Fatal("no time")
		}
	})
}
