package call

import (
	"testing"
	"time"
)

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                 "0 seconds",
		400 * time.Millisecond:            "0 seconds",
		30 * time.Second:                  "30 seconds",
		time.Minute:                       "1 minute",
		90 * time.Minute:                  "1 hour 30 minutes",
		48 * time.Hour:                    "48 hours",
		72 * time.Hour:                    "3 days",
		73 * time.Hour:                    "73 hours",
		30 * 24 * time.Hour:               "30 days",
		time.Hour + 1700*time.Millisecond: "1 hour 2 seconds",
	} {
		if got := Spell(d); got != want {
			t.Errorf("Spell(%d ns) = %q, want %q", d, got, want)
		}
	}
}
