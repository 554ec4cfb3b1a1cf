package raw

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// segments lists the segments of the log in dir as any process sees them.
func segments(dir string) ([]segment, error) {
	return (&Log{dir: dir, readDir: os.ReadDir}).segments()
}

// manyMonths fills a log with five closed segments in five months of two years, and
// one that is open.
func manyMonths(t *testing.T, dir string) (ids []string) {
	t.Helper()
	l := open(t, dir)
	for n := range 6 {
		h := header(fmt.Sprint("m", n))
		h.AskedAt = time.Date(2026, time.Month(10+n), 5, 0, 0, 0, 0, time.UTC)
		mustAppend(t, l, h, []byte("body"))
		if n < 5 {
			must(t, l.Seal(h.AskedAt.Add(time.Hour)))
		}
		ids = append(ids, h.RequestID)
	}
	return ids
}

// contents are the files below dir, the lock aside.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "lock" {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(b)
		return err
	}))
	return files
}

// everyUse is what a log is used for: each has to list its segments.
func everyUse(t *testing.T) map[string]func(*Log) error {
	return map[string]func(*Log) error{
		"Append": func(l *Log) error { _, err := l.Append(t.Context(), header("new"), []byte("new")); return err },
		"Entries": func(l *Log) error {
			ids, _, err := read(l, Position{})
			if err == nil || len(ids) > 0 {
				return fmt.Errorf("entries %v and then %v", ids, err)
			}
			return err
		},
		"Sync":     (*Log).Sync,
		"Seal":     func(l *Log) error { return l.Seal(asked.AddDate(10, 0, 0)) },
		"Segments": func(l *Log) error { _, err := l.Segments(); return err },
		"Compact": func(l *Log) error {
			_, err := l.Compact(t.Context(), 1, func(Entry) Fate { return Fate{} })
			return err
		},
	}
}

// A folder of the log that cannot be read, whichever it is and whyever, makes every
// use of the log an error, and nothing is written: no number is given out again.
// When it can be read again, all is as it was.
func TestFolderThatCannotBeRead(t *testing.T) {
	for _, folder := range []string{".", "2026", "2026/10", "2026/12", "2027", "2027/01", "2027/03"} {
		for _, why := range []error{syscall.EACCES, syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.ESTALE, syscall.ENOMEM} {
			t.Run(fmt.Sprintf("%s %v", folder, why), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				ids := manyMonths(t, dir)
				before := contents(t, dir)
				for _, use := range slices.Sorted(maps.Keys(everyUse(t))) {
					l := open(t, dir)
					l.readDir = func(path string) ([]fs.DirEntry, error) {
						entries, err := os.ReadDir(path)
						if path == filepath.Join(dir, folder) {
							// As when the folder breaks off in the middle.
							return entries[:len(entries)/2], &fs.PathError{Op: "readdirent", Path: path, Err: why}
						}
						return entries, err
					}
					if err := everyUse(t)[use](l); !errors.Is(err, why) {
						t.Errorf("%s: %v, want %v", use, err, why)
					}
				}
				if after := contents(t, dir); !maps.Equal(before, after) {
					t.Errorf("files were %v, now %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
				}
				e := mustAppend(t, open(t, dir), header("later"), nil)
				if e.Position.Segment != 6 {
					t.Errorf("the next answer is in segment %d, want 6", e.Position.Segment)
				}
				if got, _, err := read(open(t, dir), Position{}); err != nil || !slices.Equal(got, append(ids, "later")) {
					t.Errorf("entries %v, %v", got, err)
				}
			})
		}
	}
}

// A file in a folder's place is damage, not a shorter log.
func TestFileInAFoldersPlace(t *testing.T) {
	for _, folder := range []string{"2027", "2027/03"} {
		dir := t.TempDir()
		manyMonths(t, dir)
		must(t, os.Rename(filepath.Join(dir, folder), filepath.Join(dir, "aside")))
		must(t, os.WriteFile(filepath.Join(dir, folder), nil, 0o600))
		for name, use := range everyUse(t) {
			var damage *DamageError
			if err := use(open(t, dir)); !errors.As(err, &damage) || damage.File != filepath.Join(dir, folder) {
				t.Errorf("%s with a file %s: %v, want a *DamageError of it", name, folder, err)
			}
		}
	}
}
