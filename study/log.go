package study

import (
	"fmt"
	"iter"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// A LostLogError says that the raw log is not the one that the lake was made from. No
// command mends it: the lake is the older log's, and takes no other.
type LostLogError struct{ Err error }

func (e *LostLogError) Error() string { return e.Err.Error() }
func (e *LostLogError) Unwrap() error { return e.Err }

// CheckLog makes sure, without reading it, that the raw log goes on where snapshot
// m ends. Else the error is a *LostLogError.
func CheckLog(log *raw.Log, m lake.Manifest) error {
	next, stop := iter.Pull2(log.Entries(m.LogPosition))
	defer stop()
	_, err, _ := next()
	if is[*raw.DamageError](err) {
		return &LostLogError{err}
	}
	return err
}

// NoLog is the error of a study whose raw log is not there: it is lost if anything
// was loaded.
func (s *Study) NoLog() error {
	l, _, err := s.Newest()
	if err != nil {
		return err
	}
	l.Close()
	return &LostLogError{fmt.Errorf("there is no raw log at %s", s.RawPath())}
}
