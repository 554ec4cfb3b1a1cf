package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// inspectLosses makes sure that the study has all that it only ever adds to and that the
// older backup has: snapshots, answers, lines of the audit trail, receipts, keys of exports,
// tables of those who had withdrawn, tags that nobody has dropped.
func (b *making) inspectLosses(ctx context.Context) error {
	for _, look := range []func(context.Context) error{b.lostSnapshots, b.lostAnswers, b.lostLines, b.lostReceipts, b.lostExportKeys, b.lostSealed, b.lostTags} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *making) lostSnapshots(context.Context) error {
	l, m, err := b.study.Newest()
	if err == nil {
		err = l.Close()
	} else if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		err = nil
	}
	if err == nil && m.Snapshot < b.older.Snapshot {
		b.found(filepath.Join(b.study.LakePath(), manifestTree), fmt.Errorf("the newest snapshot is %d, the backup has %d", m.Snapshot, b.older.Snapshot))
	}
	return err
}

// lostAnswers holds the logs against each other: entries keep their places, so the last one
// of the backup has to be where it is there. So has its last segment, which may have none.
func (b *making) lostAnswers(context.Context) error {
	held := filepath.Join(b.to, lakeTree, rawTree)
	if _, err := os.Stat(held); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	tip, last, err := logEnd(held)
	if err != nil || tip.Number == 0 {
		return err
	}
	if _, err := os.Stat(b.study.RawPath()); errors.Is(err, fs.ErrNotExist) {
		b.found(b.study.RawPath(), err)
		return nil
	}
	log, err := raw.Open(b.study.RawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	segments, err := log.Segments()
	if err != nil {
		return err
	}
	for _, s := range segments {
		if s.Number == tip.Number && last.Position.Segment != s.Number && s.Bytes < tip.Bytes {
			b.found(b.study.RawPath(), fmt.Errorf("segment %d has %d bytes, the backup has %d", s.Number, s.Bytes, tip.Bytes))
		}
	}
	if n := uint64(len(segments)); n < tip.Number {
		b.found(b.study.RawPath(), fmt.Errorf("it ends with segment %d, the backup has %d", n, tip.Number))
	}
	if last.RequestID == "" {
		return nil
	}
	for e, err := range log.Entries(last.Position) {
		if err == nil && e.RequestID == last.RequestID {
			return nil
		}
		break
	}
	b.found(b.study.RawPath(), fmt.Errorf("it does not have answer %s at %s, which the backup has", last.RequestID, last.Position))
	return nil
}

// logEnd is the last segment and the last entry of the log in a folder; zero values if there
// are none. Damage of the backup itself is no reason to leave it as it is.
func logEnd(dir string) (tip raw.Segment, last raw.Entry, err error) {
	log, err := raw.Open(dir)
	if err != nil {
		return tip, last, err
	}
	defer log.Close()
	segments, err := log.Segments()
	if len(segments) == 0 || err != nil {
		return tip, last, unlessDamaged(err)
	}
	tip = segments[len(segments)-1]
	for _, s := range slices.Backward(segments) {
		for e, err := range log.Entries(raw.Position{Segment: s.Number}) {
			if err != nil {
				return tip, last, unlessDamaged(err)
			}
			last = e
		}
		if last.RequestID != "" {
			break
		}
	}
	return tip, last, nil
}

func unlessDamaged(err error) error {
	if _, ok := errors.AsType[*raw.DamageError](err); ok {
		return nil
	}
	return err
}

// lostLines looks for every line of the backup's trail. What an erasure took out of a line
// leaves its number and its hash.
func (b *making) lostLines(ctx context.Context) error {
	path := filepath.Join(b.study.StatePath(), state.AuditFile)
	lines, err := b.study.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return err
	}
	type end struct {
		seq  int64
		hash string
	}
	has := make(map[end]bool, len(lines))
	for _, l := range lines {
		has[end{l.Seq, l.Hash}] = !l.Altered
	}
	held, err := os.ReadFile(filepath.Join(b.to, stateTree, state.AuditFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range state.ParseTrail(held) {
		if !l.Altered && !has[end{l.Seq, l.Hash}] {
			b.found(path, fmt.Errorf("it does not have line %d as the backup has it", l.Seq))
			return nil
		}
	}
	return nil
}

// lostReceipts looks for the backup's receipts. One that is damaged there says nothing of the
// study's.
func (b *making) lostReceipts(context.Context) error {
	held := filepath.Join(b.to, stateTree)
	return eachFile(filepath.Join(held, "receipts"), func(path string) error {
		rel, err := filepath.Rel(held, path)
		if err != nil {
			return err
		}
		own := filepath.Join(b.study.StatePath(), rel)
		was, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch is, err := os.ReadFile(own); {
		case errors.Is(err, fs.ErrNotExist):
			b.found(own, err)
		case err != nil:
			return err
		case !slices.Equal(is, was) && study.CheckPaper(held, filepath.ToSlash(rel)) == nil:
			b.found(own, errors.New("it is not the one that the backup has"))
		}
		return nil
	})
}

// A LostKeyError says that a study has made another key of exports since it lost one that the
// backup has. Both can be had: the file of the backup goes beside the study's own.
type LostKeyError struct {
	Key          int
	Held, Beside string // the file of the backup, and where it goes
	Other        bool   // the study has another key of the same number: one of the two is another study's
}

func (e *LostKeyError) Error() string {
	return fmt.Sprintf("it does not have key %d, which the backup has", e.Key)
}

func (b *making) lostExportKeys(context.Context) error {
	was, err := export.Keys(filepath.Join(b.to, stateTree))
	if err != nil {
		return nil // that of the study is whole
	}
	is, err := export.Keys(b.study.StatePath())
	for _, k := range was {
		if !slices.ContainsFunc(is, func(o export.Key) bool { return o.ID == k.ID && o.Secret == k.Secret }) {
			own := b.study.StatePath()
			b.found(filepath.Join(own, export.KeyFile), &LostKeyError{
				Key: k.ID, Other: slices.ContainsFunc(is, func(o export.Key) bool { return o.ID == k.ID }),
				Held: filepath.Join(b.to, stateTree, export.KeyFile), Beside: filepath.Join(own, fmt.Sprintf("export-keys.%d.json", k.ID)),
			})
			break
		}
	}
	return err
}

// lostSealed looks for the tables that were left out of the lake because of a withdrawal:
// they stay as long as that does, though the files have other names with other rows.
func (b *making) lostSealed(ctx context.Context) error {
	withdrawn, err := b.study.Cohort.Withdrawals(ctx)
	if err != nil {
		return err
	}
	erasures, err := b.study.Cohort.Erasures(ctx)
	for _, w := range withdrawn {
		erased := slices.ContainsFunc(erasures, func(e cohort.Erasure) bool { return e.ParticipantID == w.ParticipantID })
		if erased || w.RecordedAt.After(b.older.AsOf()) {
			continue
		}
		rel := filepath.Join("quarantine", w.ParticipantID)
		if _, gone := os.Lstat(filepath.Join(b.study.StatePath(), rel)); errors.Is(gone, fs.ErrNotExist) {
			continue // whoever ruled on it deletes the folder
		}
		err = errors.Join(err, eachFile(filepath.Join(b.to, stateTree, rel), func(path string) error {
			table, _, _ := strings.Cut(filepath.Base(path), ".")
			own := filepath.Join(b.study.StatePath(), rel, table)
			if found, err := filepath.Glob(own + ".*"); err != nil || len(found) > 0 {
				return err
			}
			b.found(own, fs.ErrNotExist)
			return nil
		}))
	}
	return err
}

// lostTags looks for tags that went, or are others than they were, without a line in the audit
// trail.
func (b *making) lostTags(ctx context.Context) error {
	lines, err := b.study.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return err
	}
	held := filepath.Join(b.to, lakeTree)
	return eachFile(filepath.Join(held, "tags"), func(path string) error {
		rel, err := filepath.Rel(held, path)
		if err != nil {
			return err
		}
		wrong, err := b.lostTag(rel)
		if wrong == nil || err != nil {
			return err
		}
		name := `"` + strings.TrimSuffix(filepath.Base(path), ".json") + `"`
		dropped := slices.ContainsFunc(lines, func(l state.AuditLine) bool {
			return l.Subject == "snapshot" && l.After == "" && strings.Contains(l.Before, name) && !l.At.Before(b.older.Begun)
		})
		if !dropped {
			b.found(filepath.Join(b.study.LakePath(), rel), wrong)
		}
		return nil
	})
}

// lostTag is what is wrong with a tag of the study beside that of the backup: it is gone, or on
// neither the manifest that the backup's is on nor one that stands for that. A tag that is
// damaged in the backup says nothing of the study's.
func (b *making) lostTag(rel string) (wrong, err error) {
	if _, err := os.Lstat(filepath.Join(b.study.LakePath(), rel)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return err, nil
		}
		return nil, err
	}
	held, err := lake.OpenToRead(filepath.Join(b.to, lakeTree))
	if err != nil {
		return nil, err
	}
	defer held.Close()
	own, err := lake.OpenToRead(b.study.LakePath())
	if err != nil {
		return nil, err
	}
	defer own.Close()
	name, _ := lake.TagNamed(filepath.ToSlash(rel))
	was, unread := held.Tag(name)
	is, err := own.Tag(name)
	if unread != nil || err != nil || is.ManifestSHA256 == was.ManifestSHA256 {
		return nil, err
	}
	if m, err := own.Tagged(is); err == nil && slices.Contains(m.Replaced(), was.ManifestSHA256) {
		return nil, nil
	}
	return errors.New("it is not the one that the backup has"), nil
}
