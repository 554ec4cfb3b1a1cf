package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// TrustVariable names one study folder that is trusted whoever owns it.
const TrustVariable = "DEXETL_TRUST_STUDY"

// A TrustError says that somebody else wrote the configuration or the state of a
// study, or may write them. A configuration runs commands and names files of secrets, so
// it would do so as the account that runs the program.
type TrustError struct {
	Dir   string // the study
	Path  string // what is not trusted: the study, its dexetl.yaml or its state
	Owner string // account that owns Path, where that is the fault; else ""
	Mode  fs.FileMode
}

func (e *TrustError) Error() string {
	if e.Owner != "" {
		return fmt.Sprintf("%s belongs to %s, neither to you nor to root, and its %s may run commands and read files as you", e.Path, e.Owner, File)
	}
	return fmt.Sprintf("%s can be changed by others (mode %04o), and a study's %s may run commands and read files as you", e.Path, e.Mode.Perm(), File)
}

// Read reads the configuration of a study. The distrust is a *TrustError
// unless the study folder, the file that was read, and where that is reached by a
// link, the folder it lies in, belong to this account or to root, which mounts the
// configuration of containers, and nobody else may write them. What is looked at and
// what is read are the same open files: names can lead elsewhere a moment later.
func Read(dir string, getenv func(string) string) (text []byte, distrust, err error) {
	path := filepath.Join(dir, File)
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if text, err = io.ReadAll(file); err != nil || trustsByName(dir, getenv) {
		return text, nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, nil, err
	}
	return text, cmp.Or(trustPath(dir, dir), trustInfo(dir, real, info), trustPath(dir, filepath.Dir(real))), nil
}

// Trusted returns distrust, the *TrustError of Load, or one about the state at path,
// which must be this account's or root's, too.
func Trusted(dir, path string, distrust error, getenv func(string) string) error {
	if _, err := os.Stat(path); distrust != nil || errors.Is(err, fs.ErrNotExist) || trustsByName(dir, getenv) {
		return distrust // a state that is not there is made
	}
	return trustPath(dir, path)
}

func trustsByName(dir string, getenv func(string) string) bool {
	trusted := getenv(TrustVariable)
	return trusted != "" && sameFolder(trusted, dir)
}

func trustPath(dir, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("study folder: %w", err)
	}
	return trustInfo(dir, path, info)
}

func trustInfo(dir, path string, info fs.FileInfo) error {
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != os.Geteuid() && owner != 0 {
		return &TrustError{Dir: dir, Path: path, Owner: accountName(owner)}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return &TrustError{Dir: dir, Path: path, Mode: info.Mode()}
	}
	return nil
}

// sameFolder reports whether two paths lead to one folder.
func sameFolder(a, b string) bool {
	first, err := os.Stat(a)
	second, other := os.Stat(b)
	return cmp.Or(err, other) == nil && os.SameFile(first, second)
}

func accountName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", uid)
}
