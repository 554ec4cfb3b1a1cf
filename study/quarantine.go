package study

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/age"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A quarantine keeps the rows that withdrawals left out of the tables:
//
//	state/quarantine/P001/egvs.8640.0123456789abcdef.parquet.age
//
// One file per table, named by its rows' number and content and sealed for the
// study's key, whose secret half is needed to read it and not to write it.
type quarantine struct {
	dir      string
	consents *consent.Register
}

const quarantineSuffix = ".parquet.age"

func (s *Study) quarantine() quarantine {
	return quarantine{filepath.Join(s.StatePath(), "quarantine"), s.Consents}
}

func (q quarantine) folder(participantID string) string { return filepath.Join(q.dir, participantID) }

// Keep implements load.Quarantine.
func (q quarantine) Keep(ctx context.Context, participantID string, tables []load.LeftOut) error {
	if err := q.keep(ctx, q.folder(participantID), tables); err != nil {
		return fmt.Errorf("quarantine of %s: %w", participantID, err)
	}
	return nil
}

func (q quarantine) keep(ctx context.Context, folder string, tables []load.LeftOut) error {
	wanted := make(map[string]bool) // whether it was sealed just now
	if len(tables) > 0 {
		recipient, err := q.recipient(ctx)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		list, err := q.sums()
		if err != nil && !is[*lake.DamageError](err) {
			return err
		}
		for _, t := range tables {
			name := fmt.Sprintf("%s.%d.%.8x%s", t.Table, t.Rows, sha256.Sum256(t.Parquet), quarantineSuffix)
			file := filepath.Join(folder, name)
			if wanted[name] = !isSealed(file, list.Files[path.Join(filepath.Base(folder), name)]); !wanted[name] {
				continue
			}
			if err := sealInto(file, t.Parquet, recipient); err != nil {
				return err
			}
		}
		for _, dir := range []string{folder, q.dir, filepath.Dir(q.dir)} {
			if err := durable.SyncFolder(dir); err != nil {
				return err
			}
		}
	}
	if err := q.sumUp(filepath.Base(folder), wanted); err != nil {
		return err
	}
	return removeOthers(folder, wanted)
}

func (q quarantine) recipient(ctx context.Context) (age.Recipient, error) {
	key, err := q.consents.BoundKey(ctx)
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Recipient(key)
}

// isSealed reports whether a sealed file is there, as it was sealed: its name says what is
// in it. One without a sum, whose list was lost, nobody can tell from a damaged one.
func isSealed(file, sum string) bool {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || sum == "" {
		return false
	}
	is, err := SumOf(file)
	return err == nil && is == sum
}

// sealInto makes a sealed file appear whole and durable.
func sealInto(path string, plain []byte, recipient age.Recipient) error {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return durable.Publish(path, sealed.Bytes())
}

// removeOthers removes what is not wanted, what a crash left included, and a
// folder that has nothing in it.
func removeOthers(folder string, wanted map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if _, stays := wanted[e.Name()]; !stays {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	if err == nil && len(wanted) == 0 {
		err = os.Remove(folder)
	}
	return err
}

// held returns how many rows of each table are kept of a participant.
func (q quarantine) held(participantID string) (map[string]int, error) {
	entries, err := os.ReadDir(q.folder(participantID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("quarantine of %s: %w", participantID, err)
	}
	rows := make(map[string]int)
	for _, e := range entries {
		parts := strings.Split(e.Name(), ".")
		if n, err := strconv.Atoi(parts[min(1, len(parts)-1)]); err == nil && strings.HasSuffix(e.Name(), quarantineSuffix) {
			rows[parts[0]] += n
		}
	}
	return rows, nil
}
