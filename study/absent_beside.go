package study

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// besideLimit is how large a file is at most whose text is read: people keep rosters,
// reports and tables in a study folder, and larger things are no text.
const besideLimit = 64 << 20

// Beside lists the files of the study folder, outside of lake and state, that have a
// participant in their name or text: what people put there, reports, exports.
func (s *Study) Beside(ctx context.Context, participant string) ([]string, error) {
	a := absence{study: s, id: participant}
	err := a.beside(ctx)
	return a.out.Beside, err
}

// beside is Beside without what was found already.
func (a *absence) beside(ctx context.Context) error {
	own := []string{a.study.LakePath(), a.study.StatePath(), a.study.RawPath()}
	return filepath.WalkDir(a.study.Dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
			return nil // it went meanwhile, or is another account's
		case err != nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case e.IsDir() && slices.Contains(own, path):
			return fs.SkipDir
		case !e.Type().IsRegular() || !a.names(path, e):
			return nil
		}
		below, err := filepath.Rel(a.study.Dir, path)
		if !slices.ContainsFunc(a.out.Found, func(t Trace) bool { return t.Path == below }) {
			a.out.Beside = append(a.out.Beside, below)
		}
		return err
	})
}

// names reports whether a file has the participant in its name or in its text.
func (a *absence) names(path string, e fs.DirEntry) bool {
	if slices.Contains(strings.Split(e.Name(), "."), a.id) {
		return true
	}
	info, err := e.Info()
	if err != nil || !a.telling() || info.Size() > besideLimit {
		return false
	}
	content, err := os.ReadFile(path)
	return err == nil && a.named(content)
}
