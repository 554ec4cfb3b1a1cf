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

const maxWindowDays = 30

// windowOf reads startDate and endDate.
func windowOf(query url.Values) (interval, error) {
	const layout = "2006-01-02T15:04:05"
	start, err1 := time.Parse(layout, query.Get("startDate"))
	end, err2 := time.Parse(layout, query.Get("endDate"))
	switch {
	case err1 != nil || err2 != nil:
		return interval{}, errDates
	case !start.Before(end):
		return interval{}, errors.New("startDate must be before endDate")
	case end.Sub(start) > maxWindowDays*24*time.Hour:
		return interval{}, fmt.Errorf("the window must not be longer than %d days", maxWindowDays)
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
	hits := v.hits(q.resource, q.window)
	slices.Reverse(hits)
	return v.recordAnswer(q, hits), hits
}

func (v view) recordAnswer(q question, hits []hit) []byte {
	return v.enveloped(q, 640*len(hits), func(w *writer) {
		_, entry := v.entries(q.resource)
		listed(w, "records", hits, func(x hit) { entry(x.index).write(v, w) })
	})
}

// enveloped writes an answer, of about so many bytes. In chaos some carry a plural
// recordType or a field that nobody knows.
func (v view) enveloped(q question, size int, content func(*writer)) []byte {
	w := &writer{b: make([]byte, 0, 512+size)}
	name := recordType(q.resource)
	u := hashText(v.cfg.Seed, q.key())
	if v.cfg.Chaos.Kinds.Has(Plural) && u%2 == 0 {
		name = q.resource
	}
	w.open('{')
	w.text("recordType", name)
	w.text("recordVersion", "3.0")
	w.text("userId", v.userID())
	if v.cfg.Chaos.Kinds.Has(ExtraFields) && mix(u)%2 == 0 {
		w.raw("links", `{"next":null}`)
	}
	content(w)
	w.close('}')
	return w.b
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
	return v.enveloped(q, 0, func(w *writer) { listed(w, "records", v.devices(), w.device) })
}

// staleSync is how old a lastSyncTime may be; beyond it the API has been seen
// to answer wrongly, and so do we: as if there were nothing new.
const staleSync = 100 * 24 * time.Hour

func (v view) rangeAnswer(q question) []byte {
	since, stale := everything.from, false
	if !q.since.IsZero() {
		since = q.since.UnixMilli()
		stale = v.now-since > staleSync.Milliseconds()
	}
	return v.enveloped(q, 0, func(w *writer) {
		for _, resource := range []string{"calibrations", "egvs", "events"} {
			oldest, newest, ok := v.ends(resource, since)
			if !ok || stale {
				w.raw(resource, "null")
				continue
			}
			w.object(resource, func() {
				w.object("start", func() { w.times(oldest.at, oldest.offset, oldest.how) })
				w.object("end", func() { w.times(newest.at, newest.offset, newest.how) })
			})
		}
	})
}
