package backup

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/study"
)

// A TurningError says that a backup is whole, but the last step of making it was broken off.
type TurningError struct{ Dir string }

func (e *TurningError) Error() string {
	return "the last step of the backup in " + e.Dir + " was broken off: all files are there, but not all in their places"
}

// Check looks at the backup in a folder as study.Verify does at a study, and changes
// nothing. What a backup does not have, because it follows from the rest, is no damage.
func Check(ctx context.Context, dir string, by study.Program, v study.Verify) (m Marker, found study.Verified, err error) {
	m, err = readMarker(dir)
	if err != nil {
		return m, found, err
	}
	_, turns, err := turnIn(dir)
	switch {
	case err != nil:
		return m, found, err
	case turns:
		return m, found, &TurningError{dir}
	case m.Finished.IsZero():
		return m, found, &UnfinishedError{dir, m.Begun}
	}
	s, err := m.open(dir, by)
	if err != nil {
		return m, found, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return m, found, err
	}
	s.Config.Lake.Path, s.Config.State.Path = filepath.Join(dir, lakeTree), filepath.Join(dir, stateTree)
	found, err = s.Verify(ctx, v)
	found.Damages = slices.DeleteFunc(found.Damages, func(d study.Damage) bool { return d.Kind == study.FolderDamage })
	if err != nil {
		return m, found, err
	}
	harmed, err := m.harmed(dir)
	found.Damages = append(found.Damages, harmed...)
	return m, found, err
}
