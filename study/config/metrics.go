package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Metrics are the thresholds of the metrics. The next load takes them into the lake.
type Metrics struct {
	Night        string `yaml:"night"`          // of the wall clock, such as 22:00-06:00
	MinActivePct int    `yaml:"min_active_pct"` // from which on data are sufficient
	Episodes     string `yaml:"episodes"`       // by whose rules they are looked for: one of EpisodePresets
}

// EpisodePresets are what metrics.episodes may be, the default first.
func EpisodePresets() []string { return []string{"consensus2023", "danne2017"} }

// Settings are the thresholds by their keys, as snapshots keep them.
func (m Metrics) Settings() map[string]string {
	return map[string]string{
		"metrics.episodes": m.Episodes, "metrics.min_active_pct": strconv.Itoa(m.MinActivePct), "metrics.night": m.Night,
	}
}

// DefaultMetrics are the thresholds where nothing is configured.
func DefaultMetrics() Metrics {
	return Metrics{Night: "00:00-06:00", MinActivePct: 70, Episodes: EpisodePresets()[0]}
}

var nightPattern = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9])-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

func (m Metrics) check() error {
	switch times := nightPattern.FindStringSubmatch(m.Night); {
	case times == nil:
		return wrong("metrics.night", m.Night, "two times of the day, such as 00:00-06:00 or 22:30-06:00")
	case times[1] == times[3]:
		return wrong("metrics.night", m.Night, "begins when it ends")
	case m.MinActivePct < 1 || m.MinActivePct > 100:
		return wrong("metrics.min_active_pct", m.MinActivePct, "1 to 100")
	case !slices.Contains(EpisodePresets(), m.Episodes):
		return wrong("metrics.episodes", m.Episodes, "%s", strings.Join(EpisodePresets(), " or "))
	}
	return nil
}
