package sql

import (
	"cmp"
	_ "embed"
	"fmt"
	"strings"
)

// A Preset names the rules by which metrics are computed.
type Preset string

// Presets. [IGLU] follows the R package iglu 4.3 where it differs and the lake
// can: the risk indices are scaled by 22.77 instead of 10·1.509², a null value
// with status low or high has no value instead of counting as 39 or 401, and a
// value stands for the participant's median gap instead of for its own cadence.
// Two differences remain: iglu counts both rows of a duplicate, which the lake
// holds once, and iglu's all_metrics uses the cadence of the first participant
// for all.
const (
	Dexetl1 Preset = "dexetl-1"
	IGLU    Preset = "iglu"
)

// Sentinels says what counts of 39 and 401, which stand for values outside the
// measuring range.
type Sentinels string

// What may count of sentinels.
const (
	AsSent    Sentinels = "as sent" // themselves
	AtBounds  Sentinels = "40-400"  // the bounds of the measuring range
	Excluding Sentinels = "exclude" // nothing, they are no values
)

// A Selection chooses the interval of each participant over which metrics are
// computed. The zero value is the whole study by the default preset. Window
// excludes From and To; LastDays excludes From.
type Selection struct {
	Participants []string  // nil for everyone
	From, To     string    // local dates, YYYY-MM-DD, inclusive; empty for the bound of the study, which they may lie outside. Without a date between them both are null
	LastDays     int       // the latest so many local dates in a row, of the study up to To or of the window, that are sufficient together; else the last ones up to To or the last reading. None after the end of the study
	Window       string    // name of a window in windows.csv
	Preset       Preset    // empty for Dexetl1
	Sentinels    Sentinels // empty for AsSent
	FromReadings bool      // there is no glucose_days: it is computed of glucose
	Spans        bool      // span_metrics is there; else what it has is null. See [Selection.Stored]
}

//go:embed selection.sql
var selection string

//go:embed latest.sql
var latest string

//go:embed glucose_days.sql
var glucoseDays string

// GlucoseDays is a query over glucose with the rows and columns of the table
// glucose_days, for those who lack it.
func GlucoseDays() string {
	return "with metric_preset as (\n" + query("metric_preset") + "\n),\n" +
		strings.TrimPrefix(unqualified(withoutHead(glucoseDays)), "with ")
}

// SelectionSufficient is the column that says whether LastDays were found.
const SelectionSufficient = "selection_sufficient"

// Query returns a statement over the tables of the lake and its arguments. It
// needs no view. The rows and columns are those of participant_metrics, one
// row per participant, also without readings; with Window only participants
// that have the window. With LastDays there is [SelectionSufficient], too, and by
// preset iglu active_pct, as iglu calls active_span_pct.
func (s Selection) Query() (statement string, args []any) {
	spans := noSpans()
	if s.Stored() {
		spans = query("internal.spans")
	}
	with, args := s.with(
		relation{"scope_dates", query("internal.scope_dates")},
		relation{"scope_values", query("internal.scope_values")},
		relation{"scope_metrics", query("internal.scope_metrics")},
		relation{"spans", spans},
		relation{"participant_metrics", query("participant_metrics")})
	return with + "\n" + s.result(), args
}

// BaselineCut returns a statement over the views and its arguments that lists of whom
// LastDays cannot have all days of the window, because it is a baseline and reaches
// anchor_date: participant_id, and whether none is left. It is empty where the selection
// has no such rule.
func (s Selection) BaselineCut() (statement string, args []any) {
	if s.LastDays == 0 || !strings.EqualFold(s.Window, baseline) {
		return "", nil
	}
	among := "true"
	if s.Participants != nil {
		among = Among("s.participant_id", s.Participants)
	}
	return `select s.participant_id, s.first_date >= p.anchor_date as none_left,
from internal.metric_scopes s
join study_intervals p on p.participant_id = s.participant_id
where s.scope = 'window'
    and s.label = $1
    and s.last_date >= p.anchor_date
    and ` + among + `
order by s.participant_id`, []any{s.Window}
}

// baseline is the window that ends before anchor_date when days of it are selected.
const baseline = "baseline"

// Stored reports whether span_metrics has the metrics of what is chosen that depend
// on the order of readings. Else they are null in the rows of [Selection.Query].
func (s Selection) Stored() bool {
	return s.Spans && s.From+s.To+s.Window == "" && s.LastDays == 0 &&
		cmp.Or(s.Preset, Dexetl1) == Dexetl1 && cmp.Or(s.Sentinels, AsSent) == AsSent
}

// with is the clause that has what the selection chooses as metric_scopes, and then
// more.
func (s Selection) with(more ...relation) (clause string, args []any) {
	args = []any{s.From, s.To, s.Window}
	if s.LastDays > 0 {
		args = append(args, s.LastDays)
	}
	among := "true"
	if s.Participants != nil {
		among = Among("participant_id", s.Participants)
	}
	var b strings.Builder
	b.WriteString("with\n")
	for _, r := range append(s.relations(strings.Replace(selection, "{among}", among, 1)), more...) {
		fmt.Fprintf(&b, "%s as (\n%s\n),\n", r.name, unqualified(r.query))
	}
	return strings.TrimSuffix(b.String(), ",\n"), args
}

// A relation is one of a with clause.
type relation struct{ name, query string }

// relations are what metric_scopes is made of, each after those it reads. They are the
// views, but for the scopes, which are those chosen, and glucose_days: what is in the
// lake is by its own rules.
func (s Selection) relations(chosen string) []relation {
	preset, sentinels := cmp.Or(s.Preset, Dexetl1), cmp.Or(s.Sentinels, AsSent)
	all := []relation{
		{"metric_preset", presetQuery(preset, sentinels)},
		{"metric_settings", query("internal.metric_settings")},
	}
	if s.FromReadings || preset != Dexetl1 || sentinels == Excluding {
		all = append(all, relation{"glucose_days", withoutHead(glucoseDays)})
	}
	all = append(all,
		relation{"study_intervals", query("study_intervals")},
		relation{"planned_scopes", query("internal.metric_scopes")},
		relation{"linked_days", query("internal.linked_days")},
		relation{"summed_days", query("internal.summed_days")},
		relation{"local_days", query("internal.local_days")})
	if s.LastDays > 0 {
		all = append(all,
			relation{"offered_scopes", chosen},
			relation{"latest_days", withoutHead(beginning(latest))},
			relation{"metric_scopes", latestScopes})
	} else {
		all = append(all, relation{"metric_scopes", chosen})
	}
	return all
}

// presetQuery is metric_preset with rules of its own, as text: DuckDB then plans for
// these alone.
func presetQuery(preset Preset, sentinels Sentinels) string {
	return strings.NewReplacer("'"+string(Dexetl1)+"'", quote(string(preset)), "'"+string(AsSent)+"'", quote(string(sentinels))).Replace(query("metric_preset"))
}

// latestScopes are offered_scopes with the dates of latest_days, which are whole.
const latestScopes = `select
    s.participant_id, s.scope, s.label, s.part, d.first_date, d.last_date, s.cadence_min, s.timezone,
    false as takes_unknown, s.n_unknown_local_time, null::timestamp as withdrawn_at, null::bigint as length_min,
from offered_scopes s
join latest_days d on d.participant_id = s.participant_id`

// result is the query at the end of the statement.
func (s Selection) result() string {
	columns, join := "m.*", ""
	if s.Preset == IGLU {
		columns += ", m.active_span_pct as active_pct"
	}
	if s.LastDays > 0 {
		columns += ", d.is_enough as " + SelectionSufficient
		join = "\njoin latest_days d on d.participant_id = m.participant_id"
	}
	return "select " + columns + "\nfrom participant_metrics m" + join + "\norder by m.participant_id"
}

// unqualified is a query whose relations may all be those of a with clause.
func unqualified(query string) string {
	return strings.NewReplacer(" "+Internal+".", " ", " main.", " ").Replace(query)
}

// withoutHead is a query without the comment above it.
func withoutHead(query string) string {
	_, body, _ := strings.Cut(query, "\nwith ")
	return "with " + body
}
