package page

import (
	"strings"
	"testing"
	"time"
)

// A study's own texts are taken whole or not at all, and what is wrong is said
// with its place.
func TestParseTexts(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(DefaultTexts, old) {
			t.Fatalf("texts.yaml has no %q", old)
		}
		return strings.Replace(DefaultTexts, old, new, 1)
	}
	for _, test := range []struct{ name, file, says string }{
		{"the default", DefaultTexts, ""},
		{"translated", replace("language: en ", "language: de "), ""},
		{"an unknown key", replace("contact_title:", "contact_titel:"), "contact_titel"},
		{"a key left out", replace("contact_title: Questions?\n", ""), "contact_title: is missing"},
		{"an empty text", replace("button: Continue to Dexcom", `button: ""`), "landing.button: is missing"},
		{"a page left out", DefaultTexts[:strings.Index(DefaultTexts, "nothing:")], "nothing.title: is missing; nothing.text: is missing"},
		{"an unknown placeholder", replace("data with {study}. There", "data with {stduy}. There"), "connected.text[0]: placeholder {stduy} is none of {study}"},
		{"a placeholder where it means nothing", replace("period_all: Everything", "period_all: From {from} everything"), "landing.period_all: placeholder {from}"},
		{"eleven months", replace(", December", ""), "months: 11, want 12"},
		{"a direction nobody reads in", replace("direction: ltr", "direction: up"), `direction: "up"`},
		{"no YAML", "language: [", "]"},
	} {
		_, err := ParseTexts([]byte(test.file))
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v, want %q", test.name, err, test.says)
		}
	}
}

// The days a page promises are those that are requested: study.history and the
// roster decide, as in extract.Consented.
func TestPeriod(t *testing.T) {
	texts, err := ParseTexts([]byte(DefaultTexts))
	if err != nil {
		t.Fatal(err)
	}
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC)
	none := time.Time{}
	for _, test := range []struct {
		from, to time.Time
		all      bool
		want     string
	}{
		{from, to, false, "From 1 March 2026 to 31 August 2026, both included. Nothing from other days is read."},
		{from, none, false, "From 1 March 2026 on. Nothing from before that day is read."},
		{none, to, false, texts.Landing.PeriodUnknown},
		{none, none, false, texts.Landing.PeriodUnknown},
		{from, to, true, "Everything in your account up to 31 August 2026, also from before you joined the study."},
		{from, none, true, texts.Landing.PeriodAll},
		{none, none, true, texts.Landing.PeriodAll},
	} {
		if got := texts.period(test.from, test.to, test.all); strings.ReplaceAll(got, "\u00a0", " ") != test.want {
			t.Errorf("period(%s, %s, %t) = %q, want %q", test.from.Format(time.DateOnly), test.to.Format(time.DateOnly), test.all, got, test.want)
		}
	}
}
