package dexsim

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
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
	Time  time.Time // UTC, whole seconds
	Value float64   // mg/dL; NaN: none
}

// ParseSeries reads a CSV file with the columns id, time and gl, in any order
// and among others. Each id becomes a Series, in order of appearance. Times
// such as 2015-06-06 16:50:27 are UTC; gl is in mg/dL, empty or NA for none.
// Rows need no order. Errors name the line.
func ParseSeries(r io.Reader) ([]Series, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	columns, err := seriesColumns(rows)
	if err != nil {
		return nil, err
	}
	var list []Series
	place := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("series: %w", err) // names the line by itself
		}
		line, _ := rows.FieldPos(0)
		id, point, err := parsePoint(row, columns)
		if err != nil {
			return nil, fmt.Errorf("series: line %d: %w", line, err)
		}
		i, ok := place[id]
		if !ok {
			i, place[id] = len(list), len(list)
			list = append(list, Series{ID: id})
		}
		list[i].Points = append(list[i].Points, point)
	}
	if len(list) == 0 {
		return nil, errors.New("series: no rows")
	}
	for _, s := range list {
		slices.SortStableFunc(s.Points, func(a, b Point) int { return a.Time.Compare(b.Time) })
	}
	return list, nil
}

// seriesColumns finds id, time and gl in the header.
func seriesColumns(rows *csv.Reader) ([3]int, error) {
	header, err := rows.Read()
	if err != nil {
		return [3]int{}, fmt.Errorf("series: header: %w", err)
	}
	var columns [3]int
	for i, name := range []string{"id", "time", "gl"} {
		columns[i] = slices.IndexFunc(header, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), name)
		})
		if columns[i] < 0 {
			return columns, fmt.Errorf("series: line 1: no column %q", name)
		}
	}
	return columns, nil
}

func parsePoint(row []string, columns [3]int) (id string, p Point, err error) {
	id = strings.Clone(strings.TrimSpace(row[columns[0]]))
	if id == "" {
		return "", p, errors.New("id is empty")
	}
	if p.Time, err = parseWhen(strings.TrimSpace(row[columns[1]])); err != nil {
		return "", p, err
	}
	p.Value, err = parseValue(strings.TrimSpace(row[columns[2]]))
	return id, p, err
}

func parseWhen(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z", "2006-01-02 15:04", "2006-01-02"} {
		// Parse accepts fractions of a second that the layout lacks.
		if t, err := time.Parse(layout, text); err == nil && t.Nanosecond() == 0 && t.Year() >= 1970 {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q is not YYYY-MM-DD hh:mm:ss", text)
}

func parseValue(text string) (float64, error) {
	if text == "" || text == "NA" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || v < 0 {
		return 0, fmt.Errorf("gl %q is not a glucose value", text)
	}
	return v, nil
}

// newReplay makes a user of a series: a G6 on a phone in UTC.
func newReplay(cfg Config, index int, s Series, taken map[string]bool) *person {
	last := len(s.Points) - 1
	p := &person{
		kind: kind{name: "replay", generation: "g6", variant: "g6", app: "G6", phone: "iOS", zone: "UTC"},
		name: s.ID, participantID: pseudonym(s.ID, taken), index: index, seed: hashText(cfg.Seed, s.ID),
		replay: &s, home: time.UTC, journey: time.UTC,
	}
	if p.empty = last < 0; !p.empty {
		p.start, p.end = s.Points[0].Time.UnixMilli(), s.Points[last].Time.UnixMilli()+1
	}
	return p
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
			at: at, upload: at, ticks: (at - started) / second, value: x.Value, moment: int32(i),
			rate: noRate, trend: trendNone, zone: offsetZone, odd: -1,
		})
	}
}
