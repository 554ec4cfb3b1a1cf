package study

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// HeldSnapshots is how many snapshots the audit trail was held against.
type HeldSnapshots struct {
	Agree   int
	Lost    int // end with a line that the trail of today speaks of as lost
	Without int // have no trail: they were made before it was kept, or before its first line
	Unread  int // cannot be read: their files were collected, or are damaged
}

// A trailEnd is the last line that a snapshot has.
type trailEnd struct {
	seq  int64
	hash string
}

// HoldSnapshots makes sure that the last line of each snapshot's trail is in the trail
// of today, or accepted as lost there. The error names the first snapshot of which it is not.
func (s *Study) HoldSnapshots(ctx context.Context) (held HeldSnapshots, err error) {
	if !s.hasLake() {
		return held, nil
	}
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return held, err
	}
	defer l.Close()
	held, strays, err := s.holdSnapshots(ctx, l)
	if err == nil && len(strays) > 0 {
		err = &TrailError{strays[0].m.Snapshot, strays[0].m.CreatedAt, strays[0].end}
	}
	return held, err
}

// A stray is a snapshot whose trail is not a part of that of today.
type stray struct {
	m   lake.Manifest
	end trailEnd
}

// holdSnapshots lists the strays, oldest first. The trail is read after the snapshots are
// listed: others may add to both meanwhile.
func (s *Study) holdSnapshots(ctx context.Context, l *lake.Lake) (held HeldSnapshots, strays []stray, err error) {
	all, err := l.Manifests()
	if err != nil {
		return held, nil, err
	}
	lines, err := s.Store.Trail(ctx)
	if err != nil && !is[*state.AuditError](err) {
		return held, nil, err
	}
	has := make(map[string]bool, len(lines)) // by hash, of which their numbers are a part
	for _, line := range lines {
		has[line.Hash] = !line.Altered
	}
	lost := make(map[string]bool)
	for _, loss := range state.Losses(lines) {
		for _, hash := range append(loss.Ends, loss.Hash) {
			lost[hash] = true
		}
	}
	ends := trailEnds{loader: &load.Loader{Lake: l}, known: make(map[string]trailEnd)}
	for i, n := range all {
		m, err := l.Manifest(n)
		if err == nil && len(m.TableFiles("audit")) == 0 {
			held.Without++
			continue
		}
		end, err := ends.of(ctx, m, err)
		switch {
		case is[*lake.DamageError](err) && i == len(all)-1:
			return held, strays, err // the newest is the nearest witness
		case is[*lake.DamageError](err), is[*lake.VersionError](err):
			held.Unread++
		case err != nil:
			return held, strays, err
		case has[end.hash]:
			held.Agree++
		case lost[end.hash]:
			held.Lost++
		default:
			strays = append(strays, stray{m, end})
		}
	}
	return held, strays, nil
}

// LakeTrail is the audit trail as the newest snapshot of the lake in dir has it, as its file
// has it.
func LakeTrail(ctx context.Context, dir string) (text []byte, err error) {
	l, err := lake.OpenToRead(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	m, err := l.Current()
	if err != nil {
		return nil, err
	}
	lines, err := (&load.Loader{Lake: l}).AuditLines(ctx, m)
	if err != nil {
		return nil, err
	}
	return state.TrailOf(mapped(lines, trailLine))
}

// trailEnds reads each file once: most snapshots share theirs.
type trailEnds struct {
	loader *load.Loader
	known  map[string]trailEnd // by path of the last file
}

func (t trailEnds) of(ctx context.Context, m lake.Manifest, err error) (trailEnd, error) {
	if err != nil {
		return trailEnd{}, err
	}
	files := m.TableFiles("audit")
	path := files[len(files)-1].Path
	if end, ok := t.known[path]; ok {
		return end, nil
	}
	lines, err := t.loader.AuditLines(ctx, m)
	if err != nil || len(lines) == 0 {
		return trailEnd{}, err
	}
	last := lines[len(lines)-1]
	t.known[path] = trailEnd{last.Seq, last.Hash}
	return t.known[path], nil
}

// A TrailError says that the trail of today does not have the last line of a
// snapshot's.
type TrailError struct {
	Snapshot int64
	made     time.Time
	end      trailEnd
}

func (e *TrailError) Error() string {
	return fmt.Sprintf("snapshot %d of %s has the audit trail up to line %d, which is not in the trail of today: its hash was %s",
		e.Snapshot, e.made.UTC().Format(time.RFC3339), e.end.seq, e.end.hash)
}
