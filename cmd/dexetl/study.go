package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
	"github.com/dexetl/dexetl/study/config"
)

// findStudy returns --study, else the folder one stands in or the one above, whichever
// is a study folder.
func (p *program) findStudy() (string, error) {
	dirs := []string{".", ".."}
	given := cmp.Or(p.flags.study, p.getenv("DEXETL_STUDY"))
	if given != "" {
		dirs = []string{given}
	}
	dir, err := study.Find(dirs...)
	if none, ok := errors.AsType[*study.NoStudyError](err); ok {
		if backup.Is(cmp.Or(given, ".")) { // its configuration is gone
			return filepath.Abs(cmp.Or(given, "."))
		}
		if lake := study.LakeIn(cmp.Or(given, ".")); lake != "" {
			return "", advised(exitNoStudy, fmt.Sprintf("to read this lake without its study, put a %s beside it, with the lines version: 1, api: {region: us} and lake: {path: %s}", config.File, lake),
				"%w; %s is a lake", none, lake)
		}
		if below := study.Below(cmp.Or(given, ".")); len(below) > 0 {
			return "", failure(exitNoStudy, again("--study", filepath.Join(given, below[0])), "%w; below it: %s", none, study.ShortList(below))
		}
		if near := plain.Nearest(filepath.Base(given), study.Below(filepath.Dir(given))); near != "" {
			near = filepath.Join(filepath.Dir(given), near)
			return "", failure(exitNoStudy, again("--study", near), "%w; did you mean %s?", none, near)
		}
		next := dexetl("init", cmp.Or(given, "study"))
		if filepath.Base(given) == config.File {
			next = again("--study", filepath.Dir(given))
		}
		return "", failure(exitNoStudy, next, "%w; go there, or give --study DIR", none)
	}
	return dir, err
}

// openFolder finds the study and reads its configuration.
func (p *program) openFolder() (*study.Study, error) {
	dir, err := p.findStudy()
	if err != nil {
		return nil, err
	}
	return p.openAt(dir)
}

// openAt reads the configuration of the study in dir.
func (p *program) openAt(dir string) (*study.Study, error) {
	if backup.Is(dir) {
		return nil, &backup.InPlaceError{Dir: dir}
	}
	s, err := study.OpenFolder(dir, p.worker())
	if err != nil {
		return nil, err
	}
	p.opened = s
	if s.Config.Lake.Readers == config.GroupReads {
		syscall.Umask(groupReads)
	}
	return s, p.enterDemo(s)
}

// worker is this invocation as a study knows it. Progress is shown, facts are told.
func (p *program) worker() study.Program {
	shown := &shown{p: p}
	return study.Program{
		Version: version(), Now: p.now, Getenv: p.getenv, Stderr: p.stderr, Logger: p.logger(),
		Tell: p.tellFact, Busy: shown.busy, Fetched: shown.fetched,
	}
}

// openStudy opens the folder and its state.
func (p *program) openStudy(ctx context.Context) (*study.Study, error) {
	s, err := p.openFolder()
	if err != nil {
		return nil, err
	}
	return s, p.openState(ctx, s)
}

// openState opens the state of s.
func (p *program) openState(ctx context.Context, s *study.Study) error {
	author, err := p.author()
	if err != nil {
		return err
	}
	return s.OpenState(ctx, author)
}

// withStudy opens the study around a command's action.
func (p *program) withStudy(action func(context.Context, *cli.Command, *study.Study) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		s, err := p.openStudy(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		return action(ctx, c, s)
	}
}

// withParticipant opens the study and finds the one participant named.
func (p *program) withParticipant(action func(context.Context, *study.Study, cohort.Participant) error) cli.ActionFunc {
	return p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
		id, err := one(c, "participant")
		if err != nil {
			return err
		}
		who, err := s.Cohort.Participant(ctx, id)
		if err != nil {
			return err
		}
		return action(ctx, s, who)
	})
}

// operator is who types.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
