package snapshot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dexetl/dexetl/extract/durable"
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
	path   string // "": there is none
	name   string // in parent
	parent *os.Root
	dir    *os.File
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
// if it is this account's, and in the machine's temporary folder for those who only
// read it.
func spillParents(lake string) []string {
	if info, err := os.Stat(lake); err != nil || !mine(info) {
		return []string{temporarySpill()} // whose lake it is could lead us elsewhere by a link
	}
	return []string{filepath.Join(lake, spillName), temporarySpill()}
}

func temporarySpill() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("dexetl-spill-%d", os.Geteuid()))
}

func spillIn(parent string) (*Spill, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	root, err := openSpills(parent)
	if err != nil {
		return nil, err
	}
	s := &Spill{name: "session-" + rand.Text(), parent: root}
	err = sweeping(root, func() error {
		if err := root.Mkdir(s.name, 0o700); err != nil {
			return err
		}
		s.dir, err = lockDir(root, s.name)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s.path = filepath.Join(parent, s.name)
	return s, nil
}

// SweepSpills removes what sessions over a lake kept for themselves whose processes
// died. It does nothing where there is nothing, or where it may not.
func SweepSpills(lake string) {
	for _, parent := range spillParents(lake) {
		root, err := openSpills(parent)
		if err != nil {
			continue
		}
		_ = sweeping(root, func() error { return nil }) // the next session tries again
		_ = root.Close()
	}
}

// openSpills opens a folder of spills. What is removed later is removed below what
// was opened here, wherever the name leads by then. A link, and a folder that
// somebody else has made or can look into, are refused.
func openSpills(parent string) (*os.Root, error) {
	root, err := os.OpenRoot(parent)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	named, err2 := os.Lstat(parent)
	if err = errors.Join(err, err2); err == nil &&
		(!os.SameFile(opened, named) || !opened.IsDir() || opened.Mode().Perm()&0o077 != 0 || !mine(opened)) {
		err = fmt.Errorf("%s is not a folder of this account alone", parent)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func mine(info os.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

// sweeping removes what the dead have left and calls then, while nobody else does
// either: a folder that was made and is not locked yet is not swept.
func sweeping(root *os.Root, then func() error) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := durable.Lock(f, syscall.LOCK_EX); err != nil {
		return err
	}
	left, err := f.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, entry := range left {
		if dir, err := lockDir(root, entry.Name()); err == nil {
			err = root.RemoveAll(entry.Name())
			if err := errors.Join(err, dir.Close()); err != nil {
				return err
			}
		}
	}
	return then()
}

// lockDir locks a folder, unless somebody else has it locked.
func lockDir(root *os.Root, name string) (*os.File, error) {
	dir, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	if err := durable.Lock(dir, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
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
	return errors.Join(s.parent.RemoveAll(s.name), s.dir.Close(), s.parent.Close())
}
