package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// trustVariable names one study folder that is trusted whoever owns it.
const trustVariable = "DEXETL_TRUST_STUDY"

// A trustError says that somebody else wrote the configuration of a study, or
// may write it. A configuration runs commands and names files of secrets, so
// it would do so as the account that runs the program.
type trustError struct {
	Dir   string // the study
	Path  string // what is not trusted: the study or its dexetl.yaml
	Owner string // account that owns Path, where that is the fault; else ""
	Mode  fs.FileMode
}

func (e *trustError) Error() string {
	if e.Owner != "" {
		return fmt.Sprintf("%s belongs to %s, neither to you nor to root, and its %s may run commands and read files as you", e.Path, e.Owner, configFile)
	}
	return fmt.Sprintf("%s can be changed by others (mode %04o), and a study's %s may run commands and read files as you", e.Path, e.Mode.Perm(), configFile)
}

// next is the command after which the study is trusted; "" where that takes a
// decision.
func (e *trustError) next() string {
	if e.Owner != "" {
		return ""
	}
	return shellLine([]string{"chmod", "go-w", e.Path})
}

// advice is for who knows better.
func (e *trustError) advice() string {
	return "look into " + configFile + "; if you trust whoever wrote it, set " + shellLine([]string{trustVariable + "=" + e.Dir})
}

// checkTrust returns a *trustError unless the study folder and its
// configuration, and where that is a link, the folder it leads to, belong to
// this account or to root, which mounts the configuration of containers, and
// nobody else may write them.
func checkTrust(dir string, getenv func(string) string) error {
	if trusted := getenv(trustVariable); trusted != "" && sameFolder(trusted, dir) {
		return nil
	}
	config, err := filepath.EvalSymlinks(filepath.Join(dir, configFile))
	if err != nil {
		return fmt.Errorf("study folder: %w", err)
	}
	for _, path := range []string{dir, config, filepath.Dir(config)} {
		if err := trustPath(dir, path); err != nil {
			return err
		}
	}
	return nil
}

func trustPath(dir, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("study folder: %w", err)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != os.Geteuid() && owner != 0 {
		return &trustError{Dir: dir, Path: path, Owner: accountName(owner)}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return &trustError{Dir: dir, Path: path, Mode: info.Mode()}
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
