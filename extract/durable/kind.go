package durable

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
)

// A KindError says that something of another kind stands at a path.
type KindError struct {
	Folder bool // it is a folder where a file belongs; else the reverse
}

func (e *KindError) Error() string {
	if e.Folder {
		return "a folder stands where a file belongs"
	}
	return "a file stands where a folder belongs"
}

// IsOfKind reports whether the system may have failed because something of another kind stood
// at a path.
func IsOfKind(err error) bool {
	may := []error{syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST, syscall.ENOTEMPTY}
	return slices.ContainsFunc(may, func(one error) bool { return errors.Is(err, one) })
}

// Misplaced looks, by stat, whether something of another kind stands at a path, which belongs
// to a folder or to a file, or above it. It returns where, and a *KindError; nil if nothing
// does.
func Misplaced(stat func(string) (fs.FileInfo, error), path string, folder bool) (at string, err error) {
	for {
		info, err := stat(path)
		if err == nil && info.IsDir() != folder {
			return path, &KindError{Folder: info.IsDir()}
		}
		above := filepath.Dir(path)
		if err == nil || above == path {
			return "", nil
		}
		path, folder = above, true
	}
}
