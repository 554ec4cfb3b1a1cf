package sql

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed views/*.sql views/internal/*.sql
var files embed.FS

// order lists the views so that each follows those it reads.
const order = `metric_preset internal.metric_settings study_intervals internal.metric_scopes internal.scope_dates internal.linked_days internal.summed_days
	internal.local_days internal.scope_values internal.scope_metrics internal.value_scores internal.day_values internal.day_metrics internal.spans
	participant_metrics daily_metrics period_metrics window_metrics consensus_metrics
	agp_profile study_bounds gaps sensor_sessions internal.sensor_readings sensor_metrics completeness fetch_status
	readings_mmol current_events meals meal_metrics meter_pairs meter_agreement
	day_night_metrics iglu metric_catalogue`

// Internal is the schema of the views that others are made of. Those are not for people.
const Internal = "internal"

// A View is one view of the lake.
type View struct {
	Name    string            // with the schema before it, if that is [Internal]
	Header  string            // the leading comment: grain, source, units, rules, nulls
	Body    string            // create or replace view …;
	Comment string            // what it is, and its grain, from the header
	Notes   []Note            // what else the header says, but for the columns
	Columns []Column          // every column of the view once, in its order
	Types   map[string]string // of the columns, by name, as DuckDB names them in small letters
}

// IsInternal reports whether the view is none that people open.
func (v View) IsInternal() bool { return strings.HasPrefix(v.Name, Internal+".") }

// A Note is what the header of a view says under one word.
type Note struct {
	Word, Text string // such as Units
}

// A Column describes one column of a view.
type Column struct {
	Name, Comment string
}

// Views returns all views, each after those it reads, ready to be executed one
// by one on a connection that has the tables of the lake.
func Views() []View { return slices.Clone(readViews()) }

// readViews reads the embedded files once: a program asks for them several times.
var readViews = sync.OnceValue(func() (views []View) {
	for _, name := range strings.Fields(order) {
		views = append(views, view(name))
	}
	return views
})

// view reads the embedded file of a view. The files are part of the program,
// and a test reads them all, so a bad one is a bug and panics.
func view(name string) View {
	text, err := files.ReadFile("views/" + strings.ReplaceAll(name, ".", "/") + ".sql")
	if err != nil {
		panic(err)
	}
	header, body, found := strings.Cut(beginning(string(text)), "\ncreate or replace view "+name+" as\n")
	if !found {
		panic(fmt.Sprintf("view %s: no create or replace view", name))
	}
	body = fill(body)
	v := View{
		Name: name, Header: header, Comment: sentence(header), Notes: notes(header),
		Body: "create or replace view " + name + " as\n" + body,
	}
	if grain := slices.IndexFunc(v.Notes, func(n Note) bool { return n.Word == "Grain" }); grain >= 0 {
		v.Comment += "; " + v.Notes[grain].Text
	}
	v.Columns = described(header)
	if strings.Contains(header, "as in metric_catalogue") {
		v.Columns = append(v.Columns, metricColumns(name)...)
	}
	v.Types = v.sortColumns()
	return v
}

var begins = regexp.MustCompile(`\{begins ([^,}]+), ([^,}]+)\}`)

// beginning writes out {begins ZONE, DATE}, the first instant of a local date in
// microseconds of UTC: the one place for it. Where clocks are set back to midnight there
// are two of them, and the day begins with the first.
func beginning(text string) string {
	return begins.ReplaceAllString(text, `(
            epoch_us(timezone($1, ($2)::timestamp))
            - 3_600_000_000 * (timezone($1, timezone($1, ($2)::timestamp) - interval 1 hour) >= $2)::integer
        )`)
}

// fill puts into the text of a view what other parts of the program have once for all.
func fill(body string) string {
	for place, text := range map[string]func() string{
		"{catalogue}":       catalogueRows,
		"{sensor_worn}":     SensorWorn,
		"{sensor_marks}":    SensorMarks,
		"{sensor_silence}":  func() string { return sensorSilence },
		"{sensor_restarts}": func() string { return sensorRestarts },
		"{sensor_begins}":   func() string { return sensorBegins },
		"{relations}":       sensorRelations,
		"{value_scores}":    func() string { return columns(valueScores) },
		"{value_sums}":      func() string { return columns(valueSums) },
		"{risk_range}":      func() string { return riskRange },
		"{scope_formulas}":  scopeFormulas,
		"{day_formulas}":    dayFormulas,
		"{metrics}":         func() string { return metricList(slices.Concat(Catalogue(), SpanCatalogue())...) },
		"{span_metrics}":    func() string { return metricList(SpanCatalogue()...) },
	} {
		if strings.Contains(body, place) {
			body = strings.ReplaceAll(body, place, text())
		}
	}
	return body
}

// query is the body of the view called name without its create clause, to be
// used as a subquery.
func query(name string) string {
	body := view(name).Body
	_, body, _ = strings.Cut(body, " as\n")
	return strings.TrimSuffix(strings.TrimSpace(body), ";")
}

// sentence returns the first sentence of a header after the view's name.
func sentence(header string) string {
	first, _, _ := strings.Cut(uncomment(header), "\n\n")
	_, text, _ := strings.Cut(strings.Join(strings.Fields(first), " "), ": ")
	return strings.TrimSuffix(text, ".")
}

// notes returns what a header says under each word but Columns, on one line each.
func notes(header string) (all []Note) {
	_, rest, _ := strings.Cut(uncomment(header), "\n\n")
	for line := range strings.Lines(rest) {
		word, text, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		switch text = strings.TrimSpace(text); {
		case word == "Columns":
			return all
		case word != "":
			all = append(all, Note{word, text})
		case text != "":
			all[len(all)-1].Text += " " + text
		}
	}
	return all
}

// described returns the columns that a header lists after the word Columns,
// one per line: name, two spaces or more, comment.
func described(header string) []Column {
	_, list, _ := strings.Cut(uncomment(header), "\nColumns")
	_, list, _ = strings.Cut(list, "\n")
	var columns []Column
	for line := range strings.Lines(list) {
		entry, isEntry := strings.CutPrefix(line, "  ")
		name, comment, _ := strings.Cut(entry, " ")
		if isEntry && name != "" {
			columns = append(columns, Column{name, strings.TrimSpace(comment)})
		}
	}
	return columns
}

// uncomment strips the comment markers from every line of a header.
func uncomment(header string) string {
	var b strings.Builder
	for line := range strings.Lines(header + "\n") {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "--"), " "))
	}
	return b.String()
}
