//go:build linux || darwin

package report

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/study"
)

// on is the first instant of a day of March.
func on(day int) time.Time { return time.Date(2031, 3, day, 0, 0, 0, 0, time.UTC) }

// between are the days from one up to another one.
func between(from, to int) plan.Window { return plan.Window{Start: on(from), End: on(to)} }

// Each rule, and which of two comes first. Readings are asked for of days 5 to 19, and the
// newest one is of the evening of day 14; the newest answer came at noon of day 20.
func TestDayKind(t *testing.T) {
	whole := course{goesOn: true, asked: study.Timeline{
		Now: on(20).Add(12 * time.Hour), Newest: on(14).Add(20 * time.Hour), Ranged: true, Has: between(1, 15),
		Asked: []study.AskedInterval{{Window: between(5, 20), Records: 9}},
	}}
	with := func(change func(*course)) course { c := whole; change(&c); return c }
	for _, test := range []struct {
		name string
		course
		day      int
		covered  uint16
		excluded bool
		want     figure.Day
	}{
		{"a minute", whole, 7, 1, false, figure.Little},
		{"under half", whole, 7, 719, false, figure.Little},
		{"half", whole, 7, 720, false, figure.Some},
		{"under 70 %", whole, 7, 1007, false, figure.Some},
		{"70 %", whole, 7, 1008, false, figure.Enough},
		{"under 90 %", whole, 7, 1295, false, figure.Enough},
		{"90 %", whole, 7, 1296, false, figure.Whole},
		{"some excluded", whole, 7, 1296, true, figure.Whole},
		{"all excluded", whole, 7, 0, true, figure.LeftOut},
		{"asked, and later ones exist", whole, 7, 0, false, figure.NoReading},
		{"the day of the newest reading", whole, 14, 0, false, figure.NoReading},
		{"after the newest reading", whole, 15, 0, false, figure.Pending},
		{"and nothing more is waited for", with(func(c *course) { c.goesOn = false }), 15, 0, false, figure.NoReading},
		{"the morning of the newest answer", with(func(c *course) { c.asked.Has = between(1, 22) }), 20, 0, false, figure.NeverAsked},
		{"after the newest answer", whole, 21, 0, false, figure.Unknown},
		{"not asked, and Dexcom has some", whole, 3, 0, false, figure.NeverAsked},
		{"not asked, and Dexcom says it has none", with(func(c *course) { c.asked.Has = between(5, 15) }), 3, 0, false, figure.Empty},
		{"most of the day was not asked", with(func(c *course) {
			c.asked.Asked = []study.AskedInterval{{Window: plan.Window{Start: on(5).Add(13 * time.Hour), End: on(20)}, Records: 9}}
		}), 5, 0, false, figure.NeverAsked},
		{"not asked, the last fetch failed", with(func(c *course) { c.failed = true }), 3, 0, false, figure.Failed},
		{"not asked, never connected", with(func(c *course) { c.apart, c.failed = true, true }), 3, 0, false, figure.Apart},
		{"asked, and their part is over", with(func(c *course) { c.apart = true }), 7, 0, false, figure.NoReading},
		{"asked, the last fetch failed", with(func(c *course) { c.failed = true }), 7, 0, false, figure.NoReading},
		{"not asked, an answer is held", with(func(c *course) { c.held = []plan.Window{between(2, 4)} }), 3, 0, false, figure.Failed},
		{"an answer of other days is held", with(func(c *course) { c.held = []plan.Window{between(4, 5)} }), 3, 0, false, figure.NeverAsked},
		{"asked, and nothing at all", course{asked: study.Timeline{Now: on(20), Asked: []study.AskedInterval{{Window: between(5, 20)}}}}, 7, 0, false, figure.Empty},
		{"before consent", with(func(c *course) { c.consent = on(8) }), 7, 0, false, figure.BeforeConsent},
		{"the day of the consent", with(func(c *course) { c.consent = on(7) }), 7, 0, false, figure.NoReading},
		{"readings before consent", with(func(c *course) { c.consent = on(8) }), 7, 1440, false, figure.Whole},
		{"after withdrawal", with(func(c *course) { c.withdrawn = on(7) }), 7, 0, false, figure.Withdrawn},
		{"the day of the withdrawal", with(func(c *course) { c.withdrawn = on(7).Add(time.Hour) }), 7, 0, false, figure.NoReading},
		{"asked up to the withdrawal", with(func(c *course) {
			c.withdrawn, c.asked.Asked = on(7).Add(time.Hour), []study.AskedInterval{{Window: plan.Window{Start: on(5), End: on(7).Add(time.Hour)}, Records: 9}}
		}), 7, 0, false, figure.NoReading},
		{"withdrawn before consent", with(func(c *course) { c.withdrawn, c.consent = on(7), on(9) }), 7, 0, false, figure.Withdrawn},
	} {
		got := test.course.dayKind(studyDay{between(test.day, test.day+1), on(test.day), dayRead{coveredMin: test.covered, excluded: test.excluded}})
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got.Words(), test.want.Words())
		}
	}
	for read, want := range map[dayRead]figure.Day{
		{valueless: true}:                  figure.Valueless,
		{valueless: true, excluded: true}:  figure.LeftOut,
		{unplaced: true}:                   figure.Unplaced,
		{unplaced: true, coveredMin: 1440}: figure.Whole,
	} {
		if got := whole.dayKind(studyDay{between(7, 8), on(7), read}); got != want {
			t.Errorf("%+v: %q, want %q", read, got.Words(), want.Words())
		}
	}
}
