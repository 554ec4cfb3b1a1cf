package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

const configFile = "dexetl.yaml"

// A study is a study folder: its configuration and, for the commands that
// need it, its state. The lake and the raw log are opened where they are used.
type study struct {
	dir    string
	config Config
	store  *state.Store // nil until openState, as are the two below

	cohort   *cohort.Cohort
	consents *consent.Register

	distrust error // why nothing that the configuration names is run, read or written; see readConfig
}

// openFolder finds the study and reads its configuration: enough for those who
// only read the lake, who need not be able to write.
func (p *program) openFolder() (*study, error) {
	dir, err := p.findStudy()
	if err != nil {
		return nil, err
	}
	return loadStudy(dir, p.getenv)
}

// openStudy opens the folder and its state.
func (p *program) openStudy(ctx context.Context) (*study, error) {
	s, err := p.openFolder()
	if err != nil {
		return nil, err
	}
	return s, p.openState(ctx, s)
}

// openState opens the state, which with the lake is all that a configuration
// says where to write: so the configuration is trusted first.
func (p *program) openState(ctx context.Context, s *study) error {
	if err := s.trusted(p.getenv); err != nil {
		return err
	}
	by, err := p.author()
	if err != nil {
		return err
	}
	if s.store, err = state.Open(ctx, s.path(s.config.State.Path)); err != nil {
		return err
	}
	s.store.Now, s.store.By = p.now, by
	s.keep()
	s.consents.MaySeal = s.maySeal
	return nil
}

// keep readies what is kept in the state, which is open.
func (s *study) keep() {
	s.cohort = &cohort.Cohort{Store: s.store}
	s.consents = &consent.Register{Store: s.store, Cohort: s.cohort}
}

func (s *study) close() error {
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}

// findStudy returns --study, else the folder one stands in or the one above,
// whichever holds a dexetl.yaml.
func (p *program) findStudy() (string, error) {
	candidates := []string{".", ".."}
	if given := cmp.Or(p.flags.study, p.getenv("DEXETL_STUDY")); given != "" {
		candidates = []string{given}
	}
	for _, dir := range candidates {
		_, err := os.Stat(filepath.Join(dir, configFile))
		if err == nil {
			return filepath.Abs(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", fmt.Errorf("study folder: %w", err)
		}
	}
	return "", failure(exitNoStudy, "dexetl init STUDY",
		"no study here: there is no %s in %s; go there, or give --study DIR", configFile, strings.Join(candidates, " or "))
}

// path returns a configured path, relative ones taken from the study folder.
func (s *study) path(configured string) string {
	if filepath.IsAbs(configured) {
		return configured
	}
	return filepath.Join(s.dir, configured)
}

func (s *study) lakePath() string { return s.path(s.config.Lake.Path) }
func (s *study) rawPath() string  { return filepath.Join(s.lakePath(), "raw") }

func (s *study) keyPath() string {
	if s.config.State.KeyFile != "" {
		return s.path(s.config.State.KeyFile)
	}
	return filepath.Join(s.path(s.config.State.Path), "sealing.key")
}
