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
// excludes the others; LastDays excludes From.
type Selection struct {
	Participants []string  // nil for everyone
	From, To     string    // local dates, YYYY-MM-DD, inclusive; empty for the bound of the study, which they may lie outside
	LastDays     int       // the last so many local dates up to To, else to the last reading in the study, without a reading to the study's last date
	Window       string    // name of a window in windows.csv
	Preset       Preset    // empty for Dexetl1
	Sentinels    Sentinels // empty for AsSent
	FromReadings bool      // there is no glucose_days: it is computed of glucose
	Spans        bool      // span_metrics is there; else what it has is null. See [Selection.Stored]
}

//go:embed selection.sql
var selection string

//go:embed glucose_days.sql
var glucoseDays string

// GlucoseDays is a query over glucose with the rows and columns of the table
// glucose_days, for those who lack it.
func GlucoseDays() string {
	return "with metric_preset as (\n" + query("metric_preset") + "\n),\n" +
		strings.TrimPrefix(unqualified(withoutHead(glucoseDays)), "with ")
}

// Query returns a statement over the tables of the lake and its arguments. It
// needs no view. The rows and columns are those of participant_metrics, one
// row per participant, also without readings; with Window only participants
// that have the window. By preset iglu active_pct, as iglu calls active_span_pct, is
// among them.
func (s Selection) Query() (statement string, args []any) {
	with, args := s.with("scope_dates", "linked_days", "local_days", "scope_values", "scope_metrics", "spans")
	all := unqualified(query("participant_metrics"))
	if s.Preset == IGLU {
		all = "select *, active_span_pct as active_pct,\nfrom (\n" + all + "\n)"
	}
	return with + "\n" + all + "\norder by participant_id", args
}

// with is the clause that has what the selection chooses as metric_scopes, and views
// over that.
func (s Selection) with(views ...string) (clause string, args []any) {
	preset, sentinels := cmp.Or(s.Preset, Dexetl1), cmp.Or(s.Sentinels, AsSent)
	// What is in the lake is by its own rules.
	fromReadings := s.FromReadings || preset != Dexetl1 || sentinels == Excluding
	args = []any{s.From, s.To, s.LastDays, s.Window}
	among := "true"
	if s.Participants != nil {
		marks := make([]string, len(s.Participants))
		for i, id := range s.Participants {
			args = append(args, id)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		among = "participant_id in (" + strings.Join(append(marks, "null"), ", ") + ")"
	}
	var b strings.Builder
	b.WriteString("with\n")
	for _, name := range append([]string{"metric_preset", "glucose_days", "study_intervals", "planned_scopes", "metric_scopes"}, views...) {
		body := ""
		switch name {
		case "metric_preset":
			body = presetQuery(preset, sentinels)
		case "glucose_days":
			if !fromReadings {
				continue
			}
			body = withoutHead(glucoseDays)
		case "planned_scopes":
			body = query("internal.metric_scopes")
		case "metric_scopes":
			body = strings.Replace(selection, "{among}", among, 1)
		case "study_intervals":
			body = query(name)
		case "spans":
			if body = query("internal.spans"); !s.Stored() {
				body = noSpans()
			}
		default:
			body = query("internal." + name)
		}
		fmt.Fprintf(&b, "%s as (\n%s\n),\n", name, unqualified(body))
	}
	return strings.TrimSuffix(b.String(), ",\n"), args
}

// Stored reports whether span_metrics has the metrics of what is chosen that depend
// on the order of readings. Else they are null in the rows of [Selection.Query].
func (s Selection) Stored() bool {
	return s.Spans && s.From+s.To+s.Window == "" && s.LastDays == 0 &&
		cmp.Or(s.Preset, Dexetl1) == Dexetl1 && cmp.Or(s.Sentinels, AsSent) == AsSent
}

// presetQuery is metric_preset with rules of its own, as text: DuckDB then plans for
// these alone.
func presetQuery(preset Preset, sentinels Sentinels) string {
	return strings.NewReplacer("'"+string(Dexetl1)+"'", quote(string(preset)), "'"+string(AsSent)+"'", quote(string(sentinels))).Replace(query("metric_preset"))
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
