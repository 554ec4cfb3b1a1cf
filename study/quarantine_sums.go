package study

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load/lake"
)

// sumsFile is a file of the quarantine with the SHA-256 of each sealed file: what is in
// one only the key tells, and that one is gone nothing would. It lists what is there already,
// and no more what is about to go.
const sumsFile = "sums.json"

// A sealedList is what that file says.
type sealedList struct {
	Format int               `json:"format"`
	Files  map[string]string `json:"files"` // SHA-256 by path below the quarantine
}

// sums reads the list. Where nothing was sealed yet there is none.
func (q quarantine) sums() (list sealedList, err error) {
	content, err := os.ReadFile(filepath.Join(q.dir, sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return sealedList{Files: map[string]string{}}, nil
	}
	if err == nil {
		err = lake.Unbroken(content)
	}
	if err == nil {
		err = json.Unmarshal(content, &list)
	}
	if wrong := misplacedAt(filepath.Join(q.dir, sumsFile)); wrong != nil {
		err = wrong
	}
	if err != nil {
		return sealedList{}, &lake.DamageError{Path: path.Join("quarantine", sumsFile), Err: err}
	}
	return list, nil
}

// sumUp makes the list say which files of a participant there are. The sum of one that was
// not sealed just now, as names says, stays: whatever became of it, it is not what was sealed.
func (q quarantine) sumUp(participantID string, names map[string]bool) error {
	was, err := q.sums()
	if err != nil && !is[*lake.DamageError](err) { // then it is made anew
		return err
	}
	now := sealedList{Format: 1, Files: make(map[string]string)}
	for name, sum := range was.Files {
		if !strings.HasPrefix(name, participantID+"/") {
			now.Files[name] = sum
		}
	}
	for file, fresh := range names {
		name := path.Join(participantID, file)
		if now.Files[name] = was.Files[name]; !fresh {
			continue
		}
		if now.Files[name], err = SumOf(filepath.Join(q.dir, name)); err != nil {
			return err
		}
	}
	if maps.Equal(was.Files, now.Files) {
		return nil
	}
	content, err := lake.Sealed(now)
	if err != nil {
		return err
	}
	return errors.Join(durable.Publish(filepath.Join(q.dir, sumsFile), content), durable.SyncFolder(q.dir))
}

// unlisted are the sealed files that a list does not have.
func (q quarantine) unlisted(list sealedList) ([]string, error) {
	names, err := fs.Glob(os.DirFS(q.dir), "*/*"+quarantineSuffix)
	return slices.DeleteFunc(names, func(name string) bool { return list.Files[name] != "" }), err
}

// A StrayQuarantineError says that a folder of the quarantine has the name of somebody who has
// not withdrawn: no replay seals anything for them.
type StrayQuarantineError struct {
	Folder string // from the folder of the state
	Name   string // whose name it has
	Holder string // for whom what is in it was sealed, and whose folder is gone; "": not known
}

func (e *StrayQuarantineError) Error() string {
	if e.Holder != "" {
		return fmt.Sprintf("it is the folder of %s: %s has not withdrawn", e.Holder, e.Name)
	}
	return e.Name + " has not withdrawn: nothing is kept of them"
}

// strays takes those folders out of what is not listed. Without a list nobody can tell.
func (q quarantine) strays(ctx context.Context, list sealedList, unlisted []string) (strays []*StrayQuarantineError, rest []string, err error) {
	withdrawn, err := q.consents.Cohort.Withdrawn(ctx)
	if err != nil || len(list.Files) == 0 {
		return nil, unlisted, err
	}
	for _, name := range unlisted {
		folder := path.Dir(name)
		switch {
		case slices.Contains(withdrawn, folder):
			rest = append(rest, name)
			continue
		case len(strays) > 0 && strays[len(strays)-1].Name == folder:
			continue
		}
		stray := &StrayQuarantineError{Folder: path.Join("quarantine", folder), Name: folder}
		sum, err := SumOf(filepath.Join(q.dir, name))
		if err != nil {
			return nil, nil, err
		}
		for was, is := range list.Files {
			if _, gone := os.Lstat(filepath.Join(q.dir, path.Dir(was))); is == sum && errors.Is(gone, fs.ErrNotExist) {
				stray.Holder = path.Dir(was)
			}
		}
		strays = append(strays, stray)
	}
	return strays, rest, nil
}

// verify tells of files of the quarantine that are not what was sealed, and of a list that
// does not have one: then nobody can tell which others are gone.
func (q quarantine) verify(ctx context.Context, note func(path string, err error)) error {
	list, err := q.sums()
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		note(harm.Path, harm.Err)
		return nil
	}
	unlisted, err := q.unlisted(list)
	if err != nil {
		return err
	}
	strays, unlisted, err := q.strays(ctx, list, unlisted)
	for _, stray := range strays {
		note(stray.Folder, stray)
	}
	switch {
	case err != nil:
		return err
	case len(unlisted) > 0 && len(list.Files) == 0:
		note(path.Join("quarantine", sumsFile), fs.ErrNotExist)
	case len(unlisted) > 0:
		note(path.Join("quarantine", sumsFile), fmt.Errorf("it does not list %s", unlisted[0]))
	}
	for _, name := range slices.Sorted(maps.Keys(list.Files)) {
		if _, err := os.Lstat(filepath.Join(q.dir, path.Dir(name))); errors.Is(err, fs.ErrNotExist) {
			continue // whoever ruled on it deletes the participant's folder
		}
		sum, err := SumOf(filepath.Join(q.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			note(path.Join("quarantine", name), fs.ErrNotExist)
		case misplacedAt(filepath.Join(q.dir, name)) != nil:
			// which is damage of its own
		case err != nil:
			return err
		case sum != list.Files[name]:
			note(path.Join("quarantine", name), errors.New("its content is not what was sealed"))
		}
	}
	return nil
}

// SumOf is the SHA-256 of a file, in hexadecimal.
func SumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}
