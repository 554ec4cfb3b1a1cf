package study

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// again reports whether a file was looked into under another name.
func (a *absence) again(e fs.DirEntry) bool {
	info, err := e.Info()
	if err != nil {
		return true // it went meanwhile
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	key := fmt.Sprint(st.Dev, " ", st.Ino)
	was := a.seen[key]
	a.seen[key] = true
	return was
}

// keepsName are the tables of the lake that keep the name of somebody who was erased.
func keepsName(table string) bool {
	return slices.Contains([]string{"participants", "withdrawals", "audit"}, table)
}

// inLake looks into manifests, data files and all that lies beside them.
func (a *absence) inLake(ctx context.Context) error {
	root := a.study.LakePath()
	if _, err := os.Stat(root); err != nil {
		return nil
	}
	l, err := lake.OpenToRead(root)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := a.inManifests(ctx, l); err != nil {
		return err
	}
	return a.walk(ctx, root, func(path string, _ fs.DirEntry) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case lake.IsAside(filepath.ToSlash(rel)):
			return a.inAside(path)
		case strings.HasSuffix(rel, ".seg"):
			return nil // see inLog
		case rel == filepath.Join("raw", indexFile):
			return a.inIndex(path)
		case strings.HasPrefix(rel, "manifests"+string(filepath.Separator)) && strings.HasSuffix(rel, ".json"):
			return nil // see inManifests
		case strings.HasSuffix(rel, ".parquet"):
			return a.inParquet(path, tableAt(rel))
		}
		return a.inBytes(path)
	})
}

// tableAt is the table that a file is of, by its path in the lake: data/TABLE/… or
// snapshots/N/TABLE/….
func tableAt(rel string) string {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	switch {
	case parts[0] == "data" && len(parts) > 2:
		return parts[1]
	case parts[0] == "snapshots" && len(parts) > 3:
		return parts[2]
	}
	return ""
}

func (a *absence) inManifests(ctx context.Context, l *lake.Lake) error {
	ids, err := l.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		m, err := l.ManifestOf(id)
		if err != nil {
			return err
		}
		path := filepath.Join(l.Path(), "manifests", filepath.Base(id.Path()))
		for _, f := range m.Files {
			if !keepsName(f.Table) && (f.FirstParticipant == a.id || f.LastParticipant == a.id) {
				a.found(path, "first or last participant of a file", 1)
			}
		}
		for _, h := range m.Held {
			if a.named([]byte(h.Reason)) {
				a.found(path, "why an answer is held", 1)
			}
		}
		if err := a.inStudyTables(ctx, l, m); err != nil {
			return err
		}
	}
	return nil
}

// inStudyTables looks for more than the name in the tables that keep it.
func (a *absence) inStudyTables(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	for _, f := range slices.Concat(m.TableFiles("participants"), m.TableFiles("audit")) {
		for b, err := range l.Read(ctx, f, lake.ReadOptions{}) {
			if err != nil {
				return err
			}
			for _, column := range saysMore(f.Table, b, a.id) {
				a.found(filepath.Join(l.Path(), filepath.FromSlash(f.Path)), "column "+column, 1)
			}
			b.Release()
		}
	}
	return nil
}

// saysMore returns the columns in which rows of a participant say more than their name: of
// the roster all but the status, of the trail what changed and why.
func saysMore(table string, b arrow.RecordBatch, participant string) (more []string) {
	column := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
	ids := transform.TextOf(column("participant_id"))
	names := []string{"before", "after", "reason"}
	if table == "participants" {
		names = []string{"site", "cohort", "arm", "status_date", "consent_date", "anchor_date", "study_start", "study_end", "timezone", "region"}
	}
	for row := range int(b.NumRows()) {
		if ids.IsNull(row) || ids.Value(row) != participant {
			continue
		}
		if table == "audit" && transform.TextAt(column("subject"), row) == state.ErasureSubject {
			continue
		}
		for _, name := range names {
			if !column(name).IsNull(row) {
				more = append(more, name)
			}
		}
	}
	return more
}

// inParquet looks into a Parquet file of a table.
func (a *absence) inParquet(path, table string) error {
	encoded, err := lake.Texts(path, func(column string, text []byte) {
		switch {
		case column == "participant_id" && keepsName(table):
		case column == "participant_id" && string(text) == a.id, a.telling() && a.named(text):
			a.found(path, "column "+column, 1)
		}
	})
	if err != nil {
		return a.unread(path, err)
	}
	if !keepsName(table) && encoded(a.id) {
		a.found(path, "statistics", 1)
	}
	return nil
}

// unread is nil for a file that says in the place of a damaged one that it is damaged.
func (a *absence) unread(path string, err error) error {
	content, readErr := os.ReadFile(path)
	if readErr == nil && !bytes.HasPrefix(content, []byte("PAR1")) && len(content) < 4<<10 {
		return a.inBytes(path)
	}
	return &lake.DamageError{Path: path, Err: err}
}

// inIndex looks into the index of the raw log, where a text stands behind its length.
func (a *absence) inIndex(path string) error {
	content, err := os.ReadFile(path)
	if err == nil && bytes.Contains(content, append(binary.AppendVarint(nil, int64(len(a.id))), a.id...)) {
		a.found(path, "participants of the index", 1)
	}
	return err
}
