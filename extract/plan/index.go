package plan

import (
	"iter"
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
	held     map[holder]*Held
	volumes  map[dexcom.Resource]volume
	told     map[raw.Position]dexcom.Ranges // of answers behind position, which need not be read
}

// A volume is how much came in answers of a resource, of all participants.
type volume struct {
	answers int
	bytes   int64
	asked   time.Duration // length of their windows
}

type holder struct{ participant, connection string }

// A Held is what the log holds of one participant through one connection.
type Held struct {
	Coverage map[dexcom.Resource]Coverage // egvs, events, calibrations, alerts
	Found    map[dexcom.Resource]bool     // whether an answer had records
	Devices  time.Time                    // when devices were last asked; zero: never
	Newest   []*Shown                     // the newest dataRange answers, oldest first
	Full     *Shown                       // the newest dataRange answer without lastSyncTime; nil: none
}

// keepShown is how many dataRange answers a holding remembers. Up to one of
// them at least all uploads are usually held; if not, the next sync asks without lastSyncTime.
const keepShown = 8

// Extend reads the headers that log has behind those read before, and of the answers of
// dataRange those that are held.
func (x *Index) Extend(log *raw.Log) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	asked := map[*Held]bool{}
	defer func() { readShown(log, maps.Keys(asked)) }()
	for e, err := range log.Entries(x.position) {
		if err != nil {
			return err
		}
		if h := x.add(e); h != nil && e.Resource == string(dexcom.DataRange) {
			asked[h] = true
		}
		x.position, x.last = e.Next, e
		x.read++
	}
	return nil
}

// Tell tells x what an answer shows that was just put into the log.
func (x *Index) Tell(s Shown) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.at.Compare(x.position) < 0 {
		return // it was read already
	}
	if x.told == nil {
		x.told = map[raw.Position]dexcom.Ranges{}
	}
	x.told[s.at] = s.Ranges
}

// readShown reads what is not read yet of all that was shown, in the order of the log.
func readShown(log *raw.Log, held iter.Seq[*Held]) {
	var all []*Shown
	for h := range held {
		all = append(all, h.shown()...)
	}
	slices.SortFunc(all, func(a, b *Shown) int { return a.at.Compare(b.at) })
	for _, s := range all {
		s.read(log)
	}
}

// Held returns what the log holds of a participant through a connection. It
// is a copy.
func (x *Index) Held(participantID, connectionID string) Held {
	x.mu.Lock()
	defer x.mu.Unlock()
	h, ok := x.held[holder{participantID, connectionID}]
	if !ok {
		return Held{}
	}
	c := *h
	c.Coverage = map[dexcom.Resource]Coverage{}
	for r, pieces := range h.Coverage {
		c.Coverage[r] = slices.Clone(pieces)
	}
	c.Found = maps.Clone(h.Found)
	c.Newest = slices.Clone(h.Newest)
	return c
}

// Reached returns by resource the window from the first instant that connections of a
// participant were answered for to the last one. A resource of which no answer had
// a record is left out: nothing of it can be gone.
func (x *Index) Reached(participantID string, connectionIDs []string) map[dexcom.Resource]Window {
	x.mu.Lock()
	defer x.mu.Unlock()
	reached := map[dexcom.Resource]Window{}
	for _, id := range connectionIDs {
		h := x.held[holder{participantID, id}]
		if h == nil {
			continue
		}
		for r, pieces := range h.Coverage {
			if h.Found[r] {
				reached[r] = merge(reached[r], pieces.Since(time.Time{}).Span()).Span()
			}
		}
	}
	return reached
}

// forget forgets all that was asked of people.
func (x *Index) forget(participants []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	maps.DeleteFunc(x.held, func(h holder, _ *Held) bool { return slices.Contains(participants, h.participant) })
}

// add returns to what e was added; nil: it answers nothing.
func (x *Index) add(e raw.Entry) *Held {
	if e.Erased {
		return nil
	}
	x.weigh(e)
	if e.Beat == BeatStray {
		return nil
	}
	k := holder{e.ParticipantID, e.ConnectionID}
	h := x.held[k]
	if h == nil {
		if x.held == nil {
			x.held = map[holder]*Held{}
		}
		h = &Held{Coverage: map[dexcom.Resource]Coverage{}, Found: map[dexcom.Resource]bool{}}
		x.held[k] = h
	}
	switch r := dexcom.Resource(e.Resource); r {
	case dexcom.DataRange:
		shown := newShown(e)
		if ranges, told := x.told[e.Position]; told {
			shown.Ranges = ranges
			delete(x.told, e.Position)
		} else {
			shown.entry, shown.unread = &e, true
		}
		h.Newest = append(h.Newest, &shown)
		h.Newest = h.Newest[max(0, len(h.Newest)-keepShown):]
		if e.LastSync.IsZero() {
			h.Full = &shown
		}
	case dexcom.Devices:
		h.Devices = latest(h.Devices, e.Answered())
	default:
		h.Coverage[r] = h.Coverage[r].Add(Window{e.WindowStart, e.WindowEnd}, e.Answered())
		h.Found[r] = h.Found[r] || e.Records > 0
	}
	return h
}

// withoutFuture is h without what was still to come when it was asked for, where a device
// had dated a record into the future: nothing else could be there yet.
func (h Held) withoutFuture() Held {
	past := map[dexcom.Resource]Coverage{}
	for r, pieces := range h.Coverage {
		for _, p := range pieces {
			past[r] = past[r].Add(Window{p.Start, earliest(p.End, p.Asked.Add(rangeMargin))}, p.Asked)
		}
	}
	h.Coverage = past
	return h
}

// shown are the newest dataRange answers, oldest first, that to everything among
// them.
func (h Held) shown() []*Shown {
	if h.Full == nil || slices.Contains(h.Newest, h.Full) {
		return h.Newest
	}
	return slices.Insert(slices.Clone(h.Newest), 0, h.Full)
}

// allShown is what dataRange showed so far: what it answered when last asked for
// everything, and to all questions for news since. Its zero Asked means that it was
// never answered.
func (h Held) allShown() (all Shown, err error) {
	list := h.shown()
	for _, s := range list[max(0, slices.Index(list, h.Full)):] {
		if s.err != nil {
			return Shown{}, s.err
		}
		all = all.with(*s)
	}
	return all, nil
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
