// Package study is a study as one thing, for every face of the program: its folder and
// configuration, who takes part and what is asked of them, and the jobs that fetch, load
// and publish. What happens meanwhile is told as facts; words, tables and exit codes are
// for those who use it.
package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study/config"
)

// A Study is a study folder: its configuration and, for what needs it, its state.
// The lake and the raw log are opened where they are used.
type Study struct {
	Dir    string
	Config config.Config

	// Nil until OpenState or OpenCopy.
	Store    *state.Store
	Cohort   *cohort.Cohort
	Consents *consent.Register

	Program               // who works on it
	distrust error        // why nothing that the configuration names is run, read or written
	live     *config.Live // nil: the configuration stays as it is
	zones    zones

	recollected atomic.Pointer[recollection] // what Unremembered found; nil: nobody asked
}

// A Program is who works on a study: its clock and environment, and whom it tells.
type Program struct {
	Version string
	Now     func() time.Time
	Getenv  func(string) string
	Stderr  io.Writer // what commands of the configuration say
	Logger  *slog.Logger
	Tell    func(Fact)                   // what happens meanwhile
	Busy    func(what Work) (end func()) // of what takes long, and nobody knows how long
	Fetched func(extract.Progress)       // after every answer; from one goroutine at a time
}

// Find returns the absolute path of the first of dirs that is a study folder. Else the
// error is a *NoStudyError.
func Find(dirs ...string) (string, error) {
	for _, dir := range dirs {
		_, err := os.Stat(filepath.Join(dir, config.File))
		if err == nil {
			return filepath.Abs(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", fmt.Errorf("study folder: %w", err)
		}
	}
	return "", &NoStudyError{dirs}
}

// Below are the names of the study folders in dir.
func Below(dir string) (names []string) {
	all, _ := os.ReadDir(dir) // what cannot be read has none to offer
	for _, entry := range all {
		if _, err := os.Stat(filepath.Join(dir, entry.Name(), config.File)); err == nil {
			names = append(names, entry.Name())
		}
	}
	return names
}

// LakeIn is the absolute path of the lake that dir is or has, "" for none: one that was
// copied without its study.
func LakeIn(dir string) string {
	for _, path := range []string{dir, filepath.Join(dir, "lake")} {
		if found, _ := filepath.Glob(filepath.Join(path, "manifests", "*.json")); len(found) > 0 {
			whole, _ := filepath.Abs(path)
			return whole
		}
	}
	return ""
}

// OpenFolder reads the configuration of the study in dir: enough for those who only
// read the lake, who need not be able to write.
func OpenFolder(dir string, by Program) (*Study, error) {
	c, distrust, err := config.Load(dir, by.Getenv)
	if err != nil {
		return nil, err
	}
	return &Study{Dir: dir, Config: c, Program: by, distrust: distrust}, nil
}

// OpenState opens the state, which with the lake is all that a configuration says where
// to write: so the configuration is trusted first. What is changed in it is changed by
// author. A state that is gone is a *LostStateError, and no other is made in its place.
func (s *Study) OpenState(ctx context.Context, author state.Author) (err error) {
	if err := s.Trusted(); err != nil {
		return err
	}
	if err := cmp.Or(s.lostState(), s.unopenable()); err != nil {
		return err
	}
	if s.Store, err = state.Open(ctx, s.StatePath()); err != nil {
		return err
	}
	s.Store.By = author
	s.keep()
	s.Consents.MaySeal = s.maySeal
	return nil
}

// keep readies what is kept in the state, which is open.
func (s *Study) keep() {
	s.Store.Now = s.Now
	s.Cohort = &cohort.Cohort{Store: s.Store}
	s.Consents = &consent.Register{Store: s.Store, Cohort: s.Cohort}
}

// Trusted is a *config.TrustError unless the configuration may be believed, and the state
// that it names.
func (s *Study) Trusted() error {
	return config.Trusted(s.Dir, s.StatePath(), s.distrust, s.Getenv)
}

// OpenCopy opens a copy of the state in folder: whatever is done to it, the state stays as
// it is. Of a state that is gone there is no copy: *LostStateError.
func (s *Study) OpenCopy(ctx context.Context, folder string) (err error) {
	if err := s.lostState(); err != nil {
		return err
	}
	if s.Store, err = state.OpenCopy(ctx, s.StatePath(), folder); err == nil {
		s.keep()
	}
	return err
}

// Close closes the state.
func (s *Study) Close() error {
	if s.Store == nil {
		return nil
	}
	return s.Store.Close()
}

// Path returns a configured path, relative ones taken from the study folder.
func (s *Study) Path(configured string) string {
	if filepath.IsAbs(configured) {
		return configured
	}
	return filepath.Join(s.Dir, configured)
}

// StatePath is the folder of the state.
func (s *Study) StatePath() string { return s.Path(s.Config.State.Path) }

// LakePath is the folder of the lake.
func (s *Study) LakePath() string { return s.Path(s.Config.Lake.Path) }

// RawPath is the folder of the raw log.
func (s *Study) RawPath() string { return filepath.Join(s.LakePath(), "raw") }

// KeyPath is the file of the sealing key, where the key is in a file.
func (s *Study) KeyPath() string {
	if s.Config.State.KeyFile != "" {
		return s.Path(s.Config.State.KeyFile)
	}
	return filepath.Join(s.StatePath(), "sealing.key")
}

// A NoStudyError says that none of the folders looked into is a study.
type NoStudyError struct{ Dirs []string }

func (e *NoStudyError) Error() string {
	return "no study here: there is no " + config.File + " in " + strings.Join(e.Dirs, " or ")
}
