package raw

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/fault"
)

// A segment is one file of the log.
type segment struct {
	number uint64
	path   string
}

// segments lists the log's segments in order. A number that is missing or there
// twice is damage.
func (l *Log) segments() ([]segment, error) {
	list, err := l.listed()
	if err == nil {
		err = numbered(list)
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// listed lists what segments there are, in order. A folder that cannot be read is an
// error: without it the log would look shorter, and the next append would use numbers again.
func (l *Log) listed() ([]segment, error) {
	years, err := l.folders(l.dir, 4)
	if err != nil {
		return nil, err
	}
	var list []segment
	for _, year := range years {
		months, err := l.folders(year, 2)
		if err != nil {
			return nil, err
		}
		for _, month := range months {
			found, err := l.segmentsIn(month)
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
		}
	}
	slices.SortFunc(list, func(a, b segment) int { return cmp.Compare(a.number, b.number) })
	return list, nil
}

// numbered makes sure that segments have the numbers from 1 on, each once.
func numbered(list []segment) error {
	for i, s := range list {
		if want := uint64(i + 1); s.number > want {
			return &DamageError{File: s.path, Reason: fmt.Sprintf("segment %d, which belongs in front of it, is missing", want)}
		} else if s.number < want {
			return &DamageError{File: s.path, Reason: "there is a second segment of that number"}
		}
	}
	return nil
}

// folders lists what is named in dir with so many digits, as years and months are.
func (l *Log) folders(dir string, digits int) ([]string, error) {
	entries, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if name := e.Name(); len(name) == digits && strings.Trim(name, "0123456789") == "" {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths, nil
}

// segmentsIn lists the segments in the folder of a month.
func (l *Log) segmentsIn(month string) ([]segment, error) {
	entries, err := l.list(month)
	if err != nil {
		return nil, err
	}
	var list []segment
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".seg")
		if !ok {
			continue
		}
		path := filepath.Join(month, e.Name())
		number, err := strconv.ParseUint(name, 10, 64)
		if err != nil || fmt.Sprintf("%010d", number) != name {
			return nil, &DamageError{File: path, Reason: "its name is no segment number"}
		}
		if e.IsDir() {
			return nil, &DamageError{File: path, Err: &durable.KindError{Folder: true}}
		}
		list = append(list, segment{number, path})
	}
	return list, nil
}

// list reads a folder whole, or not at all.
func (l *Log) list(dir string) ([]fs.DirEntry, error) {
	entries, err := l.readDir(dir)
	if err != nil {
		return nil, placed(dir, true, wrap(err))
	}
	return entries, nil
}

// createSegment creates segment number, begun at the time now, and returns it
// open, headed and durable.
func (l *Log) createSegment(number uint64, now time.Time) (*os.File, error) {
	year := filepath.Join(l.dir, now.UTC().Format("2006"))
	month := filepath.Join(year, now.UTC().Format("01"))
	for _, d := range []string{year, month} {
		if err := os.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, wrap(err)
		}
		// Also if it was there: who made it may have been killed in between.
		if err := l.syncDir(filepath.Dir(d)); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(filepath.Join(month, fmt.Sprintf("%010d.seg", number)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, wrap(err)
	}
	fault.Point("raw.segment_created")
	if err := l.headSegment(f, number); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// headSegment makes f an empty segment, durably.
func (l *Log) headSegment(f *os.File, number uint64) error {
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(segmentHeader(number), 0)
	}
	if err == nil {
		err = l.Fsync(f)
	}
	if err != nil {
		return wrap(err)
	}
	return l.syncDir(filepath.Dir(f.Name()))
}

// syncNames makes the names of a segment that somebody else began durable, whom a
// kill may have met before they were: its own, its month's and its year's.
func (l *Log) syncNames(path string) error {
	month := filepath.Dir(path)
	year := filepath.Dir(month)
	return errors.Join(l.syncDir(month), l.syncDir(year), l.syncDir(filepath.Dir(year)))
}

// syncDir makes the names in dir durable.
func (l *Log) syncDir(dir string) error {
	return wrap(durable.SyncFolderBy(l.Fsync, dir))
}
