package plan

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// An Index says what the raw log holds, from its headers alone. It is derived: to
// lose it costs the time to read them again. See keep for how it outlives a process.
// The zero Index is empty; its methods may be called at the same time.
type Index struct {
	mu       sync.Mutex
	position raw.Position // all before it is in the index
	last     raw.Entry    // the one that ends there
	read     int          // entries, since the index was kept
	held     map[holder]*Holding
	volumes  map[dexcom.Resource]volume
}

// A volume is how much came in answers of a resource, of all participants.
type volume struct {
	answers int
	bytes   int64
	asked   time.Duration // length of their windows
}

type holder struct{ participant, connection string }

// A Holding is what the log holds of one participant through one connection.
type Holding struct {
	Coverage map[dexcom.Resource]Coverage // egvs, events, calibrations, alerts
	Found    map[dexcom.Resource]bool     // whether an answer had records
	Devices  time.Time                    // when devices were last asked; zero: never
	Ranges   []*Shown                     // the newest dataRange answers, oldest first
	Full     *Shown                       // the newest dataRange answer without lastSyncTime; nil: none
}

// keepRanges is how many dataRange answers a holding remembers. One of them at
// least is usually settled; if not, the next sync asks without lastSyncTime.
const keepRanges = 8

// Extend reads the headers that log has behind those read before.
func (x *Index) Extend(log *raw.Log) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e, err := range log.Entries(x.position) {
		if err != nil {
			return err
		}
		x.add(log, e)
		x.position, x.last = e.Next, e
		x.read++
	}
	return nil
}

// Holding returns what the log holds of a participant through a connection. It
// is a copy.
func (x *Index) Holding(participantID, connectionID string) Holding {
	x.mu.Lock()
	defer x.mu.Unlock()
	h, ok := x.held[holder{participantID, connectionID}]
	if !ok {
		return Holding{}
	}
	c := *h
	c.Coverage = map[dexcom.Resource]Coverage{}
	for r, pieces := range h.Coverage {
		c.Coverage[r] = slices.Clone(pieces)
	}
	c.Found = maps.Clone(h.Found)
	c.Ranges = slices.Clone(h.Ranges)
	return c
}

func (x *Index) add(log *raw.Log, e raw.Entry) {
	x.weigh(e)
	if e.Beat == BeatStray {
		return
	}
	k := holder{e.ParticipantID, e.ConnectionID}
	h := x.held[k]
	if h == nil {
		if x.held == nil {
			x.held = map[holder]*Holding{}
		}
		h = &Holding{Coverage: map[dexcom.Resource]Coverage{}, Found: map[dexcom.Resource]bool{}}
		x.held[k] = h
	}
	switch r := dexcom.Resource(e.Resource); r {
	case dexcom.DataRange:
		shown := newShown(log, e)
		h.Ranges = append(h.Ranges, shown)
		h.Ranges = h.Ranges[max(0, len(h.Ranges)-keepRanges):]
		if e.LastSync.IsZero() {
			h.Full = shown
		}
	case dexcom.Devices:
		h.Devices = latest(h.Devices, e.Answered())
	default:
		h.Coverage[r] = h.Coverage[r].Add(Window{e.WindowStart, e.WindowEnd}, e.Answered())
		h.Found[r] = h.Found[r] || e.Records > 0
	}
}

// past is h without what was still to come when it was asked for, where a device
// had dated a record into the future: nothing else could be there yet.
func (h Holding) past() Holding {
	past := map[dexcom.Resource]Coverage{}
	for r, pieces := range h.Coverage {
		for _, p := range pieces {
			past[r] = past[r].Add(Window{p.Start, earliest(p.End, p.Asked.Add(rangeMargin))}, p.Asked)
		}
	}
	h.Coverage = past
	return h
}

// ranges are the newest dataRange answers, oldest first, that to everything among
// them.
func (h Holding) ranges() []*Shown {
	if h.Full == nil || slices.Contains(h.Ranges, h.Full) {
		return h.Ranges
	}
	return slices.Insert(slices.Clone(h.Ranges), 0, h.Full)
}

func (x *Index) weigh(e raw.Entry) {
	if x.volumes == nil {
		x.volumes = map[dexcom.Resource]volume{}
	}
	v := x.volumes[dexcom.Resource(e.Resource)]
	v.answers++
	v.bytes += e.Length
	v.asked += e.WindowEnd.Sub(e.WindowStart)
	x.volumes[dexcom.Resource(e.Resource)] = v
}
