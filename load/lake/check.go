package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/transform"
)

// Check reads a data file and compares it with what the manifest says of it.
// A *DamageError says what is wrong.
func (l *Lake) Check(f File) (err error) {
	l.sound.Delete(f.Path)
	in, err := l.open(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return &DamageError{f.Path, err}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return &DamageError{f.Path, fmt.Errorf("sha256 is %s, the manifest says %s", got, f.SHA256)}
	}
	l.sound.Store(f.Path, true)
	return nil
}

// CheckSize is Check without opening the file.
func (l *Lake) CheckSize(f File) error {
	if f.Damaged != "" {
		return &DamageError{f.Path, errors.New(f.Damaged)}
	}
	info, err := l.dir.Stat(f.Path)
	if err != nil {
		return unopened(f, err)
	}
	return sized(f, info)
}

// unopened is the error of a file that cannot be opened or looked at.
func unopened(f File, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // a file above it is damage of its own
		return &DamageError{f.Path, fs.ErrNotExist}
	}
	return fmt.Errorf("file: %w", err)
}

// sized is the error of a file whose size is not what the manifest says.
func sized(f File, info fs.FileInfo) error {
	if info.IsDir() {
		return &DamageError{f.Path, &durable.KindError{Folder: true}}
	}
	if info.Size() == f.Bytes {
		return nil
	}
	return &DamageError{f.Path, fmt.Errorf("%d bytes, the manifest says %d", info.Size(), f.Bytes)}
}

// Damaged returns those of files that are damaged, as far as their sizes tell.
func (l *Lake) Damaged(files []File) ([]*DamageError, error) { return damaged(files, l.CheckSize) }

// DamagedContent is Damaged for those whose content is damaged too. It reads all
// of them.
func (l *Lake) DamagedContent(files []File) ([]*DamageError, error) { return damaged(files, l.Check) }

func damaged(files []File, check func(File) error) (found []*DamageError, err error) {
	for _, f := range files {
		err := check(f)
		if damage, ok := errors.AsType[*DamageError](err); ok {
			found = append(found, damage)
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// WriteRows writes a Parquet file of t that is no part of any lake.
func WriteRows(to io.Writer, t transform.Table, rows ...arrow.RecordBatch) error {
	w, err := newGroupWriter(t, to, 0)
	if err != nil {
		return fmt.Errorf("file of %s: %w", t.Name, err)
	}
	for _, r := range rows {
		err = errors.Join(err, w.write(r))
	}
	if err := errors.Join(err, w.close()); err != nil {
		return fmt.Errorf("file of %s: %w", t.Name, err)
	}
	return nil
}
