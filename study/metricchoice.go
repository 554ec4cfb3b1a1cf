package study

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	views "github.com/dexetl/dexetl/sql"
)

// A MetricsChoice is which metrics somebody asks for, as they wrote it.
type MetricsChoice struct {
	From, To  string // local dates, both inclusive
	Window    string // of windows.csv
	Select    string // lastN
	Preset    string
	Sentinels string
}

// An OptionError says that an option has no such value, or that two exclude each other.
type OptionError struct {
	Option, Value string
	Want          string   // what it may be; empty: Excludes says what is wrong
	Excludes      []string // options
	Before        string   // the date of from, which Value is before
}

func (e *OptionError) Error() string {
	switch {
	case len(e.Excludes) > 0:
		return fmt.Sprintf("%s excludes %s", e.Option, strings.Join(e.Excludes, " and "))
	case e.Before != "":
		return e.Option + " is before from"
	}
	return e.Option + ": " + e.Want
}

var lastNDays = regexp.MustCompile(`^last([1-9][0-9]{0,4})$`)

// Selection is the selection of readings that is chosen; else an *OptionError.
func (c MetricsChoice) Selection() (chosen views.Selection, err error) {
	chosen = views.Selection{From: c.From, To: c.To, Window: c.Window, Preset: views.Preset(c.Preset), Sentinels: views.Sentinels(c.Sentinels)}
	if !slices.Contains([]views.Preset{views.Dexetl1, views.IGLU}, chosen.Preset) {
		return chosen, &OptionError{Option: "preset", Value: c.Preset, Want: "dexetl-1 or iglu"}
	}
	if !slices.Contains([]views.Sentinels{views.AsSent, views.AtBounds, views.Excluding}, chosen.Sentinels) {
		return chosen, &OptionError{Option: "sentinels", Value: c.Sentinels, Want: fmt.Sprintf("%q, 40-400 or exclude", views.AsSent)}
	}
	if err := c.checkDates(); err != nil {
		return chosen, err
	}
	if c.Select != "" {
		match := lastNDays.FindStringSubmatch(c.Select)
		if match == nil {
			return chosen, &OptionError{Option: "select", Value: c.Select, Want: "last and a number of days, such as last14"}
		}
		chosen.LastDays, _ = strconv.Atoi(match[1])
	}
	if c.Window != "" && (c.From != "" || c.To != "") {
		return chosen, &OptionError{Option: "window", Excludes: []string{"from", "to"}}
	}
	if c.Select != "" && c.From != "" {
		return chosen, &OptionError{Option: "select", Excludes: []string{"from"}}
	}
	return chosen, nil
}

func (c MetricsChoice) checkDates() error {
	for _, date := range []struct{ option, text string }{{"from", c.From}, {"to", c.To}} {
		if date.text == "" {
			continue
		}
		if _, err := cohort.ParseDate(date.text); err != nil {
			return &OptionError{Option: date.option, Value: date.text, Want: err.Error()}
		}
	}
	if c.From != "" && c.To != "" && c.To < c.From {
		return &OptionError{Option: "to", Value: c.To, Before: c.From}
	}
	return nil
}
