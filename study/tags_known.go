package study

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// KeepNumbers makes sure that the next snapshot gets a number that the audit trail does not
// know: what was tagged or handed out under one is cited by it, though this lake, which is
// from a backup, does not have it.
func (s *Study) KeepNumbers(ctx context.Context) error {
	trail, err := s.Store.Trail(ctx)
	last := newestKnown(trail)
	if err != nil || last == 0 {
		return err
	}
	if !s.hasLake() { // nothing was loaded before the backup
		l, err := lake.Open(s.LakePath())
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return s.Locked(ctx, 0, func(l *lake.Lake) error { return l.Reserve(last) })
}

// newestKnown is the greatest number of a snapshot in the audit trail.
func newestKnown(trail []state.AuditLine) (newest int64) {
	for _, line := range trail {
		var after struct{ Snapshot any }
		if json.Unmarshal([]byte(line.After), &after) != nil {
			continue
		}
		switch is := after.Snapshot.(type) {
		case float64: // of a backup
			newest = max(newest, int64(is))
		case string: // of a tag, an export
			id, _ := lake.ParseID(is)
			newest = max(newest, id.Number)
		}
	}
	return newest
}

// A DroppedTag is one that the lake has and that was dropped, by the audit trail.
type DroppedTag struct {
	Name string
	At   time.Time
}

// DroppedTags are those, by name: of a lake that is from a backup older than that.
func (s *Study) DroppedTags(ctx context.Context) (dropped []DroppedTag, err error) {
	trail, err := s.Store.Trail(ctx)
	if err != nil {
		return nil, err
	}
	at := make(map[string]time.Time)
	for _, line := range trail {
		var before, after taggedAct
		if line.Subject != tagSubject || line.Altered {
			continue
		}
		if json.Unmarshal([]byte(line.Before), &before) == nil {
			at[strings.ToLower(before.Tag)] = line.At
		}
		if json.Unmarshal([]byte(line.After), &after) == nil {
			delete(at, strings.ToLower(after.Tag))
		}
	}
	l, err := lake.OpenToRead(s.LakePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	tags, err := l.Tags()
	for _, t := range tags {
		if when, ok := at[strings.ToLower(t.Name)]; ok {
			dropped = append(dropped, DroppedTag{t.Name, when})
		}
	}
	slices.SortFunc(dropped, func(a, b DroppedTag) int { return strings.Compare(a.Name, b.Name) })
	return dropped, undamaged(err)
}
