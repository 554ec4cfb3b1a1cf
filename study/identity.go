package study

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// studyKey is the setting that tells studies apart: the public half of the
// sealing key, which no two studies share.
const studyKey = "study.key"

// sameStudy refuses a lake that another study was loaded into. Where the file that
// says whose it is is damaged, it is whose run committed last.
func (s *Study) sameStudy(ctx context.Context, l *lake.Lake) error {
	m, err := l.Current()
	if err != nil {
		return err
	}
	err = s.sameKey(ctx, l, m)
	if !IsDataFile(err) {
		return err
	}
	runs, e := s.Store.Runs(ctx)
	if slices.ContainsFunc(runs, func(r state.Run) bool { return r.ID == m.Run }) {
		return nil
	}
	return cmp.Or(e, err)
}

// sameKey refuses snapshot m of another study.
func (s *Study) sameKey(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	ours, err := s.Consents.BoundKey(ctx)
	if err != nil {
		return err
	}
	for _, f := range m.TableFiles("settings") {
		for batch, err := range l.Read(ctx, f, lake.ReadOptions{}) {
			if err != nil {
				return err
			}
			held := settingIn(batch, studyKey)
			batch.Release()
			if held != "" && held != ours {
				return &ForeignLakeError{l.Path(), ours == ""}
			}
		}
	}
	return nil
}

// A ForeignLakeError says that a lake is another study's.
type ForeignLakeError struct {
	Path     string
	KeyUnset bool // no sealing key was seen here yet: this study may have lost its state
}

func (e *ForeignLakeError) Error() string {
	if e.KeyUnset {
		return e.Path + " belongs to another study, or this one has lost its state folder: no sealing key was seen here yet; nothing was changed"
	}
	return e.Path + " belongs to another study; nothing was changed"
}

func settingIn(batch arrow.RecordBatch, key string) string {
	keys, values := transform.TextOf(batch.Column(0)), transform.TextOf(batch.Column(1))
	for i := range keys.Len() {
		if keys.Value(i) == key {
			return strings.Clone(values.Value(i))
		}
	}
	return ""
}
