package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// removeIdle removes the data files that no manifest names. What a power cut brings back
// of them, the next removal takes away.
func (l *Lake) removeIdle(named map[string]bool) (freed Freed, err error) {
	idle, err := l.idleFiles(named)
	if err != nil {
		return freed, err
	}
	for _, f := range idle {
		if err := l.dir.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return freed, fmt.Errorf("data file: %w", err)
		}
		l.sound.Delete(f.path)
		freed.Files, freed.Bytes = freed.Files+1, freed.Bytes+f.bytes
		if err := l.at("gone.file_removed"); err != nil {
			return freed, err
		}
	}
	return freed, nil
}

// An idleFile is a data file that no manifest names.
type idleFile struct {
	path  string
	bytes int64
}

// dataFile matches the data files that this program names, and no others.
var dataFile = regexp.MustCompile(`^data/\w+/(month=[0-9-]+/)?[0-9a-f]{16}\.parquet$`)

// idleFiles lists the data files that are not named.
func (l *Lake) idleFiles(named map[string]bool) (idle []idleFile, err error) {
	err = fs.WalkDir(l.dir.FS(), dataDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || named[name] || !dataFile.MatchString(name) {
			return err
		}
		info, err := e.Info()
		if err == nil {
			idle = append(idle, idleFile{name, info.Size()})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("data files: %w", err)
	}
	return idle, nil
}

// namedFiles are the data files that any manifest names, without these.
func (l *Lake) namedFiles(without []ID) (map[string]bool, error) {
	all, err := l.IDs()
	if err != nil {
		return nil, err
	}
	named := make(map[string]bool)
	for _, id := range all {
		if slices.Contains(without, id) {
			continue
		}
		m, err := l.ManifestOf(id)
		if err != nil {
			return nil, err
		}
		for _, f := range m.Files {
			named[f.Path] = true
		}
	}
	return named, nil
}
