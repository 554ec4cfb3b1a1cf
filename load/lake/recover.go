package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// Recover puts a data file that is lost or damaged back from a snapshot's folder in which it
// is still as the manifest says: there it has another name, which outlasts the loss of this
// one, or it is a copy. It reports whether the file is back, durably. The load lock must be
// held.
func (l *Lake) Recover(f File) (bool, error) {
	if l.held == nil {
		return false, ErrNotLocked
	}
	shown, err := l.Shown()
	if err != nil {
		return false, err
	}
	slices.Sort(shown)
	for _, n := range slices.Backward(shown) {
		from := linkPath(n, f.Path)
		sound, err := l.isFile(from, f)
		if err != nil {
			return false, err
		}
		if sound {
			return true, l.putBack(from, f)
		}
	}
	return false, nil
}

// isFile reports whether what has a name is the data file as the manifest says it is, and not
// the one that is damaged.
func (l *Lake) isFile(name string, f File) (bool, error) {
	in, err := l.dir.Open(name)
	err = l.Placed(name, false, err)
	if errors.Is(err, fs.ErrNotExist) || err != nil && undamaged(err) == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("file: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return false, fmt.Errorf("file: %w", err)
	}
	if there, err := l.dir.Stat(f.Path); err == nil && os.SameFile(info, there) || info.Size() != f.Bytes {
		return false, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return false, nil //nolint:nilerr // it is damaged, too
	}
	return hex.EncodeToString(sum.Sum(nil)) == f.SHA256, nil
}

// putBack gives a file of a folder the name of a data file. Whoever dies on the way leaves
// the damage, or a name in staging that is swept.
func (l *Lake) putBack(from string, f File) error {
	if err := l.makeFolder(f); err != nil {
		return fmt.Errorf("file: %w", l.Placed(f.Path, false, err))
	}
	temporary := path.Join(stagingDir, "recovered-"+path.Base(f.Path))
	if err := l.dir.RemoveAll(temporary); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if err := l.dir.Link(from, temporary); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if err := l.at("repair.linked"); err != nil {
		return err
	}
	if err := l.dir.Rename(temporary, f.Path); err != nil {
		return fmt.Errorf("file: %w", l.Placed(f.Path, false, err))
	}
	if err := l.at("repair.recovered"); err != nil {
		return err
	}
	for _, dir := range folders(f.Path) {
		if err := l.syncDir(dir); err != nil {
			return fmt.Errorf("file: %w", err)
		}
	}
	l.sound.Delete(f.Path)
	return nil
}
