package study

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// A data file that is lost, or has become another one, is back from the folder of a snapshot,
// by a repair and by the next load alike, and the folder keeps its link. One that is damaged
// with its links is not taken from there.
func TestRecoverFromFolder(t *testing.T) {
	oneAfterTheOther(t)
	for name, harm := range map[string]func(string) error{
		"lost": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("PAR1"), 0o600))
		},
		"folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		for _, by := range []string{"repair", "load"} {
			t.Run(name+" "+by, func(t *testing.T) {
				s, file := recoverable(t)
				path := filepath.Join(s.LakePath(), file.Path)
				check(t, harm(path))
				if by == "repair" {
					done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
					if err != nil || len(done.Mended) != 1 || done.Mended[0].By != Relinked || done.Snapshot != done.Before {
						t.Errorf("repaired %+v, %v", done.Mended, err)
					}
				} else {
					s.loadAndPublish(t)
				}
				s.soundLink(t, file)
			})
		}
	}
	s, file := recoverable(t)
	path := filepath.Join(s.LakePath(), file.Path)
	check(t, errors.Join(os.Truncate(path, 4), os.Remove(path)))
	_, l := s.startLoading(t)
	if back, err := l.lake.Recover(file); back || err != nil {
		t.Errorf("of a link that is damaged, too: %v, %v", back, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// recoverable is a study with a snapshot and its folder, and a file of readings.
func recoverable(t *testing.T) (*Study, lake.File) {
	t.Helper()
	s, log, l := erasable(t, func() time.Time { return now })
	m, err := l.lake.Current()
	check(t, errors.Join(err, l.publish(t.Context()), l.close(), log.Close()))
	return s, m.TableFiles("egvs")[0]
}

func (s *Study) loadAndPublish(t *testing.T) {
	t.Helper()
	log, l := s.startLoading(t)
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.close(), log.Close()))
}

// soundLink checks that a file is whole, and the newest folder has a link to it.
func (s *Study) soundLink(t *testing.T, file lake.File) {
	t.Helper()
	l, m, err := s.Newest()
	check(t, err)
	defer l.Close()
	check(t, l.Check(file))
	for _, f := range m.Files {
		if f.Damaged != "" {
			t.Errorf("the manifest has %s marked: %s", f.Path, f.Damaged)
		}
	}
	data, err := os.Stat(filepath.Join(s.LakePath(), file.Path))
	check(t, err)
	link, err := os.Stat(filepath.Join(s.LakePath(), "latest", strings.TrimPrefix(file.Path, "data/")))
	check(t, err)
	if !os.SameFile(data, link) {
		t.Error("the folder has another file")
	}
}
