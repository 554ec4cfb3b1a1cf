package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// spillName is the folder of a lake in which sessions keep what does not fit into
// memory, each in a folder of its own.
const spillName = ".spill"

// spillLimit is the most that a session keeps there, unless half of what is free is
// less: rows of the study must not fill its disk.
const spillLimit = 10 << 30

// A Spill is the folder of one session, locked as long as it is in use: by the lock
// others tell it from one whose process died.
type Spill struct {
	path string
	dir  *os.File
}

// NewSpill makes a folder for a session over the lake at this path.
func NewSpill(lake string) *Spill { return newSpill(spillParents(lake)...) }

// newSpill makes a folder in the first parent that is there, or can be made, and is
// this account's alone; and sweeps what the dead have left in it. Where there is
// none it returns one without a path: all must fit into memory.
func newSpill(parents ...string) *Spill {
	for _, parent := range parents {
		if s, err := spillIn(parent); err == nil {
			return s
		}
	}
	return &Spill{}
}

// spillParents are where a session over a lake may keep what it spills: in the lake,
// and in the machine's temporary folder for those who may only read the lake.
func spillParents(lake string) []string {
	return []string{filepath.Join(lake, spillName), temporarySpill()}
}

func temporarySpill() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("dexetl-spill-%d", os.Geteuid()))
}

func spillIn(parent string) (s *Spill, err error) {
	parent, err = filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	err = withSpills(parent, func() error {
		path, err := os.MkdirTemp(parent, "session-")
		if err != nil {
			return err
		}
		s = &Spill{path: path}
		s.dir, err = lockDir(path)
		return err
	})
	return s, err
}

// SweepSpills removes what sessions over a lake kept for themselves whose processes
// died. It does nothing where there is nothing, or where it may not.
func SweepSpills(lake string) {
	for _, parent := range spillParents(lake) {
		if _, err := os.Lstat(parent); err == nil {
			_ = withSpills(parent, func() error { return nil }) // the next session tries again
		}
	}
}

// withSpills sweeps parent and calls then, while nobody else does either: a folder
// that was made and is not locked yet is not swept.
func withSpills(parent string, then func() error) error {
	if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := ownAlone(parent); err != nil {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, entry := range left {
		path := filepath.Join(parent, entry.Name())
		if dir, err := lockDir(path); err == nil {
			err = os.RemoveAll(path)
			if err := errors.Join(err, dir.Close()); err != nil {
				return err
			}
		}
	}
	return then()
}

// ownAlone refuses a folder that somebody else has made, or can look into.
func ownAlone(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ok || int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of this account alone", path)
	}
	return nil
}

// lockDir locks a folder, unless somebody else has it locked.
func lockDir(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// statements are the settings of DuckDB about what does not fit into memory. It
// encrypts it with a key that is nowhere else. The cipher that is linked in has
// no good source of randomness, hence the name of the setting: to go through what
// a disk has kept it suffices, against somebody who breaks ciphers it does not.
func (s *Spill) statements() []string {
	if s.path == "" {
		return []string{"set temp_directory = ''"}
	}
	return []string{
		"set force_mbedtls_unsafe = 'true'",
		"set temp_file_encryption = true",
		fmt.Sprintf("set max_temp_directory_size = '%dB'", spillRoom(s.path)),
		"set temp_directory = " + text(s.path),
	}
}

func spillRoom(path string) int64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return spillLimit
	}
	return min(spillLimit, int64(disk.Bavail/2)*int64(disk.Bsize))
}

// Close removes the folder.
func (s *Spill) Close() error {
	if s.path == "" {
		return nil
	}
	return errors.Join(os.RemoveAll(s.path), s.dir.Close())
}
