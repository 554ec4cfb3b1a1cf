package sql

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed sensor_days.sql
var sensorDays string

// sensorReadings is the query of internal.sensor_readings over a sensor_sessions of those
// who have it in their text.
func sensorReadings() string {
	return strings.ReplaceAll(query(Internal+".sensor_readings"), "main.sensor_sessions", "sensor_sessions")
}

// sensorRelations are the relations between glucose and scope_metrics, as
// sensor_metrics needs them: the texts of the views, but for their key, which has the
// session in it. What a session has in common with another one, a date or a
// slot, is summed up for each alone, and each metric is defined once.
func sensorRelations() string {
	var b strings.Builder
	for _, r := range []struct {
		relation
		from string // what it reads of sensor_metrics
	}{
		{relation{"divided_days", withoutHead(glucoseDays)}, "main.glucose"},
		{relation{"glucose_days", columns(sensorDays)}, "main.divided_days main.sensor_sessions"},
		{internal("linked_days"), "main.glucose_days"},
		{internal("summed_days"), "internal.linked_days"},
		{internal("local_days"), "internal.summed_days"}, // zones and calendar are everybody's
		{internal("scope_dates"), "internal.metric_scopes"},
		{internal("scope_values"), "internal.scope_dates main.glucose_days"},
		{internal("scope_metrics"), "internal.metric_scopes internal.local_days internal.scope_dates internal.scope_values"},
	} {
		fmt.Fprintf(&b, "%s as (\n%s\n),\n", r.name, bySession(r.query, strings.Fields(r.from)))
	}
	return strings.TrimSuffix(b.String(), ",\n")
}

// internal is the view of a name as a relation.
func internal(name string) relation { return relation{name, query(Internal + "." + name)} }

var (
	keyed = regexp.MustCompile(`(\w+)\.participant_id = (\w+)\.participant_id|(\w+\.)?participant_id`)
	other = regexp.MustCompile(`(?:main|internal)\.\w+ (\w+) on `)
)

// bySession is a query whose rows belong to a session of a participant, as do those of
// the relations that it reads from. What it joins of others belongs to the participant.
func bySession(query string, from []string) string {
	for _, name := range from {
		_, own, _ := strings.Cut(name, ".")
		query = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(query, own)
	}
	lacks := map[string]bool{}
	for _, m := range other.FindAllStringSubmatch(query, -1) {
		lacks[m[1]] = true
	}
	return keyed.ReplaceAllStringFunc(query, func(key string) string {
		switch m := keyed.FindStringSubmatch(key); {
		case lacks[m[1]] || lacks[m[2]]:
			return key
		case m[1] != "":
			return fmt.Sprintf("%s and %s.session = %s.session", key, m[1], m[2])
		}
		return key + ", " + strings.Replace(key, "participant_id", "session", 1)
	})
}
