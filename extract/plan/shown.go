package plan

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// A Shown is an answer of dataRange that the log holds. Its methods may be called
// at the same time.
type Shown struct {
	RequestID string
	Beat      string
	Asked     time.Time // when the answer was complete: see raw.Header.Answered
	Server    time.Time // the server's Date; zero: it sent none
	LastSync  time.Time // lastSyncTime of the request; zero: none was sent

	at  raw.Position
	log *raw.Log

	mu     sync.Mutex
	entry  *raw.Entry     // nil: it is at that position
	ranges *dexcom.Ranges // what the answer says, but whose it is; nil: not read yet
}

func newShown(log *raw.Log, e raw.Entry) *Shown {
	return &Shown{
		RequestID: e.RequestID, Beat: e.Beat, Asked: e.Answered(), Server: e.ServerDate, LastSync: e.LastSync,
		at: e.Position, log: log, entry: &e,
	}
}

// known returns what the answer says, of which the log is asked the first time.
func (s *Shown) known() (Known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ranges == nil {
		ranges, err := s.read()
		if err != nil {
			return Known{}, err
		}
		s.ranges, s.entry = &ranges, nil
	}
	return Known{s.Asked, s.Server, s.LastSync, *s.ranges}, nil
}

func (s *Shown) read() (dexcom.Ranges, error) {
	if s.entry == nil {
		e, err := entryAt(s.log, s.at)
		if err != nil {
			return dexcom.Ranges{}, err
		}
		s.entry = &e
	}
	plain, err := s.entry.PlainWithin(dexcom.DefaultMaxBody)
	if _, long := errors.AsType[*raw.TooLongError](err); long {
		return dexcom.Ranges{}, RangesError(err)
	}
	if err != nil {
		return dexcom.Ranges{}, err
	}
	ranges, err := dexcom.ParseRanges(plain)
	if err != nil {
		return dexcom.Ranges{}, RangesError(err)
	}
	ranges.UserID = "" // is nobody's business here, and is kept nowhere else
	return ranges, nil
}

// entryAt returns the entry that begins at a position of the log.
func entryAt(log *raw.Log, at raw.Position) (raw.Entry, error) {
	next, stop := iter.Pull2(log.Entries(at))
	defer stop()
	e, err, ok := next()
	if err == nil && (!ok || e.Position != at) {
		err = &raw.DamageError{Offset: at.Offset, Reason: fmt.Sprintf("no entry begins at %s", at)}
	}
	return e, err
}

// known returns what dataRange showed so far: what it answered when last asked
// for everything, and to all questions for news since. Its zero Asked means that
// it was never answered.
func (h Holding) known() (known Known, err error) {
	all := h.ranges()
	for _, shown := range all[max(0, slices.Index(all, h.Full)):] {
		k, err := shown.known()
		if err != nil {
			return Known{}, err
		}
		known = known.with(k)
	}
	return known, nil
}
