package sql

import (
	_ "embed"
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
)

//go:embed catalogue.csv
var catalogueCSV string

//go:embed catalogue_spans.csv
var spanCatalogueCSV string

//go:embed catalogue_families.csv
var familyCatalogueCSV string

//go:embed catalogue_iglu.csv
var igluCatalogueCSV string

// A metric is one entry of the catalogue: a column of a view.
type metric struct {
	Name        string
	Unit        string // 1: it has none
	Definition  string
	Citation    string // where the definition comes from
	Denominator string // what a share is a share of; empty where there is none
	LOINC       string // code of the HL7 CGM implementation guide; empty where there is none
	Parameters  string // numbers in it that others choose otherwise, and by which preset
	EdgeCases   string // what it is where the definition does not say so
	Version     string // rises when its numbers could change
	View        string // the one that has it; empty: the metric views; noView: none
}

const noView = "-"

// Catalogue returns every metric of the metric views in the order of their
// columns.
func Catalogue() []metric { return readCatalogue(catalogueCSV) }

// SpanCatalogue returns the metrics that depend on the order of readings, in the
// order of their columns. They come from span_metrics.
func SpanCatalogue() []metric { return readCatalogue(spanCatalogueCSV) }

// FamilyCatalogue returns the metrics that have a view of their own, in the order of
// its columns.
func FamilyCatalogue() []metric { return readCatalogue(familyCatalogueCSV) }

// IGLUCatalogue returns the metrics that [Selection.Query] has by preset [IGLU] alone,
// and no view.
func IGLUCatalogue() []metric { return readCatalogue(igluCatalogueCSV) }

func readCatalogue(text string) (metrics []metric) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err) // embedded, read by every test
	}
	for _, r := range records[1:] {
		metrics = append(metrics, metric{r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], strings.Join(r[9:], "")})
	}
	return metrics
}

// consensus lists the metrics of consensus_metrics.
const consensus = `n_days active_window_pct sufficient mean_mgdl gmi_pct sd_mgdl cv_pct
	tir_pct titr_pct tbr70_pct tbr54_pct tar180_pct tar250_pct gri gri_zone
	` + versioning

// byNight lists the metrics of day_night_metrics.
const byNight = `n_values n_days mean_mgdl sd_mgdl cv_pct very_low_pct low_pct in_range_pct high_pct very_high_pct
	` + versioning

// versioning says of a row by which rules it is computed.
const versioning = `preset sentinels metrics_version`

// binned lists the metrics that agp_profile has of each bin.
const binned = `n_values n_days sufficient ` + versioning

// metricColumns describes the columns of a metric view: what names the row,
// then the metrics.
func metricColumns(view string) []Column {
	columns := rowKeys(view)
	chosen := strings.Fields(consensus)
	shown := Catalogue()
	switch view {
	case "participant_metrics", "daily_metrics", "period_metrics", "window_metrics", "sensor_metrics":
		shown = append(shown, SpanCatalogue()...)
	case "meal_metrics", "meter_agreement", "agp_profile":
		shown = slices.DeleteFunc(append(FamilyCatalogue(), Catalogue()...), func(m metric) bool {
			return m.View != view && !slices.Contains(strings.Fields(versioning), m.Name)
		})
		columns = nil // as the head says
	case "day_night_metrics":
		shown, columns, chosen = Catalogue(), nil, strings.Fields(byNight)
	case Internal + ".spans":
		shown, columns = SpanCatalogue(), nil
	}
	for _, m := range shown {
		if short := view == "consensus_metrics" || view == "day_night_metrics"; !short || slices.Contains(chosen, m.Name) {
			columns = append(columns, Column{m.Name, m.comment()})
		}
	}
	return columns
}

// Views are those that show the metric, first those that have it of more than one
// interval.
func (m metric) Views() (names []string) {
	switch m.View {
	case "":
	case noView:
		return nil
	default:
		return []string{m.View}
	}
	names = []string{"participant_metrics", "daily_metrics", "period_metrics", "window_metrics", "sensor_metrics"}
	if slices.Contains(strings.Fields(consensus), m.Name) {
		names = append(names, "consensus_metrics")
	}
	if slices.Contains(strings.Fields(byNight), m.Name) {
		names = append(names, "day_night_metrics")
	}
	if slices.Contains(strings.Fields(versioning), m.Name) {
		names = append(names, "meal_metrics", "meter_agreement")
	}
	if slices.Contains(strings.Fields(binned), m.Name) {
		names = append(names, "agp_profile")
	}
	return names
}

// rowKeys describes the columns that name a row of a metric view.
func rowKeys(view string) []Column {
	const first, last = "first local date", "last local date, inclusive"
	switch view {
	case Internal + ".scope_metrics", Internal + ".day_metrics":
		return []Column{{"first_date", first}, {"last_date", last}}
	}
	return append([]Column{{"participant_id", "study pseudonym from the roster"}}, map[string][]Column{
		"participant_metrics": {{"first_date", "first local date of the study"}, {"last_date", "last local date of the study so far, inclusive; see study_intervals"}},
		"daily_metrics":       {{"local_date", "date on the participant's wall clock"}},
		"sensor_metrics": {
			{"session", "see sensor_sessions"}, {"transmitter_id", "see sensor_sessions"},
			{"session_start", "UTC; see sensor_sessions"}, {"session_end", "UTC; see sensor_sessions"},
			{"first_date", "first local date of its readings"}, {"last_date", "last local date of its readings, inclusive"},
		},
		"period_metrics": {{"period", "1 for the 14 days that begin on day 1"}, {"period_start", first}, {"period_end", last}},
		"window_metrics": {{"window_name", "name of the window in windows.csv"}, {"window_start", first}, {"window_end", last}, {"window", "former name of window_name, which is to go"}},
	}[view]...)
}

// metricList names the columns of metrics, a hundred characters a line or less.
func metricList(metrics ...metric) string {
	var b strings.Builder
	width := 4
	for i, m := range metrics {
		switch {
		case i == 0:
		case width+len(m.Name)+3 > 100:
			b.WriteString(",\n    ")
			width = 4
		default:
			b.WriteString(", ")
			width += 2
		}
		b.WriteString(m.Name)
		width += len(m.Name)
	}
	return b.String()
}

// comment is the metric's definition with its unit and source, on one line.
func (m metric) comment() string {
	text := m.Definition
	if !slices.Contains([]string{"1", "code", "boolean"}, m.Unit) && !strings.HasPrefix(text, m.Unit) {
		text = m.Unit + "; " + text
	}
	if strings.Contains(m.Citation, "doi ") {
		text += " (" + m.Citation + ")"
	}
	return text
}

// catalogueRows renders the catalogue as the rows of a values clause.
func catalogueRows() string {
	var rows []string
	for _, m := range slices.Concat(Catalogue(), SpanCatalogue(), FamilyCatalogue(), IGLUCatalogue()) {
		fields := []string{
			quote(m.Name), quote(m.Unit), quote(m.Definition),
			quote(m.Citation), quote(m.Denominator), quote(m.LOINC), quote(m.Parameters), quote(m.EdgeCases), m.Version, quote(strings.Join(m.Views(), ", ")),
		}
		rows = append(rows, "        ("+strings.Join(fields, ", ")+")")
	}
	return strings.Join(rows, ",\n")
}

// quote renders s as a SQL string, and the empty string as null.
func quote(s string) string {
	if s == "" {
		return "null"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// MetricsVersion is that of metric_preset: it rises whenever the version of a metric does.
func MetricsVersion() string {
	found := metricsVersion.FindStringSubmatch(view("metric_preset").Body)
	if found == nil {
		panic("metric_preset has no metrics_version") // embedded, read by a test
	}
	return found[1]
}

var metricsVersion = regexp.MustCompile(`(\d+) as metrics_version`)
