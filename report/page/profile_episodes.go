package page

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
)

// An EpisodeRate sums up the episodes of a kind.
type EpisodeRate struct {
	Kind                 string // as in the table episodes
	Hyper                bool   // it is above BoundMgdL, else below
	BoundMgdL            float64
	LeastMin             float64 // how long it is at least
	MoreThan             bool    // it is longer than that
	WindowMin            float64 // within which the minutes add up; 0: they are in a row
	N, Night             int
	PerWeek, DurationMin float64 // in the mean; NaN where there is none
}

// An Episode is a time of low or high glucose.
type Episode struct {
	Kind                  string
	Hyper                 bool
	Level                 int       // that it reaches: 1 or 2
	Start                 time.Time // wall clock
	DurationMin           float64
	ExtremeMgdL, MeanMgdL float64 // lowest or highest value, and the mean
	Truncated             bool    // it touches a gap, or the first or last reading: it may be longer
	Night                 bool    // it starts in the night
}

// kindWords name the kinds of episodes.
func kindWords(kind string) string {
	if words, known := map[string]string{
		"hypo1": "Low, level 1", "hypo2": "Low, level 2", "hypo_extended": "Low, extended",
		"hyper1": "High, level 1", "hyper2": "High, level 2", "hyper_extended": "High, extended", "hyper_extended_120": "High, extended, without a break",
	}[kind]; known {
		return words
	}
	return kind
}

// rule says what an episode of a kind is.
func (r EpisodeRate) rule(u number.Unit) string {
	words := number.Decimal(r.LeastMin, 0) + " min or more"
	if r.MoreThan {
		words = "more than " + number.Decimal(r.LeastMin, 0) + " min"
	}
	if r.WindowMin > 0 {
		words += " within " + number.Decimal(r.WindowMin, 0) + " min"
	}
	side := "below"
	if r.Hyper {
		side = "above"
	}
	return fmt.Sprintf("%s %s %s %s", words, side, u.Glucose(r.BoundMgdL), u)
}

// RateTable are the rates of episodes.
func (p Profile) RateTable() figure.Table {
	t := figure.Table{Name: "Rates of episodes", Columns: append(figure.Words("kind", "what it is"), figure.Numbers("episodes", "per week", "mean duration", "at night")...)}
	for _, r := range p.Rates {
		t.Rows = append(t.Rows, []string{kindWords(r.Kind), r.rule(p.Unit), p.Count(r.N), number.Amount(r.PerWeek, 1), minutes(r.DurationMin), p.Count(r.Night)})
	}
	return t
}

func minutes(m float64) string {
	if math.IsNaN(m) {
		return number.None
	}
	return number.Decimal(m, 0) + " min"
}

// Lows and Highs are the episodes one by one; nil: there are none.
func (p Profile) Lows() *figure.Table { return p.episodeTable(false, "Times of low glucose", "lowest") }
func (p Profile) Highs() *figure.Table {
	return p.episodeTable(true, "Times of high glucose", "highest")
}

func (p Profile) episodeTable(hyper bool, name, extreme string) *figure.Table {
	in := " " + string(p.Unit)
	t := figure.Table{Name: name, Columns: append(append(figure.Words("start", "kind"), figure.Numbers("reaches level", "duration", extreme+in, "mean"+in)...), figure.Words("when", "note")...)}
	for _, e := range p.Episodes {
		if e.Hyper != hyper {
			continue
		}
		night, ends := "day", ""
		if e.Night {
			night = "night"
		}
		if e.Truncated {
			ends = "or longer"
		}
		t.Rows = append(t.Rows, []string{
			e.Start.Format("Mon 2006-01-02 15:04"), kindWords(e.Kind), fmt.Sprint(e.Level), minutes(e.DurationMin),
			figure.Measured(p.Unit, e.ExtremeMgdL), p.Unit.Glucose(e.MeanMgdL), night, ends,
		})
	}
	if t.Rows == nil {
		return nil
	}
	return &t
}

// An Entry is carbohydrates or insulin that somebody entered.
type Entry struct {
	At      time.Time // by the display
	Type    string    // carbs or insulin
	Subtype string    // as the API has it; empty: none
	Amount  float64   // NaN: it is no number
	Sent    string    // as sent
	Unit    string    // as sent; empty: none
}

// entryWords name types and subtypes of entries.
func entryWords(word string) string {
	if words, known := map[string]string{"carbs": "carbohydrates", "fastActing": "fast-acting", "longActing": "long-acting", "grams": "g"}[word]; known {
		return words
	}
	return word
}

// EntryTable are the entries, one by one.
func (p Profile) EntryTable() figure.Table {
	t := figure.Table{Name: "Carbohydrates and insulin", Columns: append(figure.Words("local time", "what", "kind"), append(figure.Numbers("amount"), figure.Words("unit")...)...)}
	for _, e := range p.Entries {
		amount := e.Sent
		if !math.IsNaN(e.Amount) {
			amount = strings.TrimSuffix(number.Amount(e.Amount, 1), ".0")
		}
		t.Rows = append(t.Rows, []string{e.At.Format("Mon 2006-01-02 15:04"), entryWords(e.Type), entryWords(e.Subtype), amount, entryWords(e.Unit)})
	}
	return t
}
