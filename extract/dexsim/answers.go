package dexsim

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// A question is a data request that has been understood.
type question struct {
	person   *person
	resource string
	window   interval // as asked; zero for devices and dataRange
	since    time.Time
}

// key tells a question from others, for faults and counts.
func (q question) key() string {
	return fmt.Sprintf("%s|%s|%d|%d", q.person.name, q.resource, q.window.from, q.window.to)
}

var errDates = errors.New("startDate and endDate must be YYYY-MM-DDThh:mm:ss, UTC without zone")

// windowOf reads startDate and endDate.
func windowOf(query url.Values, limit time.Duration) (interval, error) {
	const layout = "2006-01-02T15:04:05"
	start, err1 := time.Parse(layout, query.Get("startDate"))
	end, err2 := time.Parse(layout, query.Get("endDate"))
	switch {
	case err1 != nil || err2 != nil:
		return interval{}, errDates
	case !start.Before(end):
		return interval{}, errors.New("startDate must be before endDate")
	case end.Sub(start) > limit:
		return interval{}, fmt.Errorf("the window must not be longer than %d days", int(limit.Hours()/24))
	}
	return interval{start.UnixMilli(), end.UnixMilli()}, nil
}

// sinceOf reads lastSyncTime, which needs a zone.
func sinceOf(query url.Values) (time.Time, error) {
	text := query.Get("lastSyncTime")
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("lastSyncTime must be an RFC 3339 time with a zone")
	}
	return t, nil
}

// answer is the body for q and, for windows, the records in it.
func (v view) answer(q question) ([]byte, []hit) {
	switch q.resource {
	case "dataRange":
		return v.rangeAnswer(q), nil
	case "devices":
		return v.deviceAnswer(q), nil
	}
	window := q.window
	if v.cfg.EndInclusive {
		window.to++
	}
	hits := v.hits(q.resource, window)
	if !v.cfg.OldestFirst {
		slices.Reverse(hits)
	}
	return v.recordAnswer(q, hits), hits
}

func (v view) recordAnswer(q question, hits []hit) []byte {
	w := &writer{b: make([]byte, 0, 512+640*len(hits))}
	v.envelope(w, q)
	w.key("records")
	w.open('[')
	for _, x := range hits {
		v.append(w, q.resource, x.index)
	}
	w.close(']')
	w.close('}')
	return w.b
}

// envelope opens an answer. In chaos some carry a plural recordType or a field
// that nobody knows.
func (v view) envelope(w *writer, q question) {
	name := recordType(q.resource)
	u := hashText(v.cfg.Seed, q.key())
	if v.cfg.PluralRecordType || v.cfg.Chaos.Kinds.Has(Plural) && u%2 == 0 {
		name = q.resource
	}
	w.open('{')
	w.text("recordType", name)
	w.text("recordVersion", "3.0")
	w.text("userId", v.userID())
	if v.cfg.Chaos.Kinds.Has(ExtraFields) && mix(u)%2 == 0 {
		w.raw("links", `{"next":null}`)
	}
}

// userID is stable for a user and an app, and differs between apps.
func (v view) userID() string { return hex64(v.person.seed, "user of "+v.cfg.ClientID) }

func recordType(resource string) string {
	if resource == "dataRange" {
		return resource
	}
	return resource[:len(resource)-1]
}

func (v view) deviceAnswer(q question) []byte {
	w := &writer{}
	v.envelope(w, q)
	w.key("records")
	w.open('[')
	for _, x := range v.devices() {
		w.device(x)
	}
	w.close(']')
	w.close('}')
	return w.b
}

// staleSync is how old a lastSyncTime may be; beyond it the API has been seen
// to answer wrongly, and so do we: as if there were nothing new.
const staleSync = 100 * 24 * time.Hour

func (v view) rangeAnswer(q question) []byte {
	w := &writer{}
	v.envelope(w, q)
	since, stale := everything.from, false
	if !q.since.IsZero() {
		since = q.since.UnixMilli()
		stale = v.now-since > staleSync.Milliseconds()
	}
	for _, resource := range []string{"calibrations", "egvs", "events"} {
		oldest, newest, ok := v.ends(resource, since)
		if !ok || stale {
			w.raw(resource, "null")
			continue
		}
		w.key(resource)
		w.open('{')
		w.moment("start", oldest)
		w.moment("end", newest)
		w.close('}')
	}
	w.close('}')
	return w.b
}

func (w *writer) moment(name string, m moment) {
	w.key(name)
	w.open('{')
	w.times(m.at, m.offset, m.how)
	w.close('}')
}
