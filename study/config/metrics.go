package config

import "regexp"

// Metrics are the thresholds of the metrics. The next load takes them into the lake.
type Metrics struct {
	Night        string `yaml:"night"`          // of the wall clock, such as 22:00-06:00
	MinActivePct int    `yaml:"min_active_pct"` // from which on data are sufficient
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
	}
	return nil
}
