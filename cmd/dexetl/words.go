package main

import (
	"fmt"
	"math"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/table"
)

// countOf is n things in words: 1 link, 2 links.
func countOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// isOrAre is the verb behind countOf.
func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// callsOf counts calls of the API.
func callsOf(n int) string {
	if n == 1 {
		return "1 call"
	}
	return thousands(int64(n)) + " calls"
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// proseOrNull is what somebody wrote, in a table.
func proseOrNull(s string) any {
	if s == "" {
		return nil
	}
	return table.Prose(s)
}

func dateOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.DateOnly)
}

func instantOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// minute is when something was, null for never.
func minute(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return table.Moment{Time: at.UTC()}
}

func hours(d time.Duration) any { return math.Round(d.Hours()*10) / 10 }

// dayOrNull is a study day; there is no day 0.
func dayOrNull(day int) any {
	if day == 0 {
		return nil
	}
	return day
}

// localInstant is an instant as the participant's clock showed it.
func localInstant(t time.Time, who cohort.Participant) string {
	zone, err := time.LoadLocation(who.Timezone)
	if err != nil || who.Timezone == "" {
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return t.In(zone).Format("2006-01-02 15:04:05 -07:00") + " (" + who.Timezone + ")"
}

// fillRoster is the advice where nobody is in the roster.
const fillRoster = "add people (participants add P001), or import a roster (participants import FILE)"
