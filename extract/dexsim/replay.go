package dexsim

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A Series is one person's glucose from a file, to be served as it is.
type Series struct {
	ID     string
	Points []Point // oldest first
}

// A Point is one value of a Series.
type Point struct {
	Time   time.Time // UTC, whole seconds
	Offset int       // seconds by which the person's clock is ahead of UTC
	Value  float64   // mg/dL; NaN: none
}

// newReplay makes a user of a series: a G6 on a phone whose clock is as the
// series says.
func newReplay(cfg Config, index int, s Series, taken map[string]bool) (*person, error) {
	home, zone := time.UTC, s.zone()
	if zone != "" {
		var err error
		if home, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("time zone of %s: %w", s.ID, err)
		}
	}
	last := len(s.Points) - 1
	p := &person{
		kind: kind{name: "replay", generation: "g6", variant: "g6", app: "G6", phone: "iOS", zone: zone},
		name: s.ID, participantID: pseudonym(s.ID, taken), index: index, seed: hashText(cfg.Seed, s.ID),
		replay: &s, home: home, journey: home,
	}
	if p.empty = last < 0; !p.empty {
		p.start, p.end = s.Points[0].Time.UnixMilli(), s.Points[last].Time.UnixMilli()+1
	}
	return p, nil
}

// zone is the time zone of a series: that of its offset, if this is the same
// throughout and whole hours; else none.
func (s Series) zone() string {
	offset := 0
	for i, x := range s.Points {
		if i > 0 && x.Offset != offset {
			return ""
		}
		offset = x.Offset
	}
	switch {
	case offset == 0:
		return "UTC"
	case offset%3600 != 0 || offset < -12*3600:
		return ""
	}
	return fmt.Sprintf("Etc/GMT%+d", -offset/3600) // POSIX counts westwards
}

// dates are the first and the last local date of a series. Without a zone, a
// study takes dates as UTC: those of UTC then count too, so that no reading is
// outside.
func (p *person) dates() (first, last string) {
	for _, x := range p.replay.Points {
		local := x.Time.Add(time.Duration(x.Offset) * time.Second)
		from, to := local, local
		if p.zone == "" && x.Offset > 0 {
			from = x.Time
		} else if p.zone == "" {
			to = x.Time
		}
		first = min(cmp.Or(first, from.Format(time.DateOnly)), from.Format(time.DateOnly))
		last = max(last, to.Format(time.DateOnly))
	}
	return first, last
}

var notAllowed = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// pseudonym makes a participant id of name: letters, digits, - and _, at most
// 64 of them, unlike all in taken even without regard to case.
func pseudonym(name string, taken map[string]bool) string {
	id := strings.Trim(notAllowed.ReplaceAllString(name, "-"), "-_")
	id = cmp.Or(id[:min(len(id), 56)], "P")
	unique := id
	for n := 2; taken[strings.ToLower(unique)]; n++ {
		unique = fmt.Sprintf("%s-%d", id, n)
	}
	taken[strings.ToLower(unique)] = true
	return unique
}

// replay fills the history with the series as it is.
func (h *history) replay(p *person) {
	first := p.replay.Points[0].Time.UnixMilli()
	started := first - 2*hour
	h.sensors = []session{{start: first, end: p.end, started: started}}
	h.transmitters = []string{p.transmitterID(0)}
	for i, x := range p.replay.Points {
		at := x.Time.UnixMilli()
		h.egvs = append(h.egvs, egv{
			at: at, upload: at, ticks: (at - started) / second, offset: int32(x.Offset), value: x.Value, moment: int32(i),
			rate: noRate, trend: trendNone, zone: offsetZone, odd: -1,
		})
	}
}
