package consent

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A TokenFileModeError says that others can read a file of tokens.
type TokenFileModeError struct {
	Path string
	Mode fs.FileMode
}

func (e *TokenFileModeError) Error() string {
	return fmt.Sprintf("%s holds tokens and can be read by others (mode %04o); nothing was taken", e.Path, e.Mode)
}

// OpenTokenFile opens a file to import: the one with tokens in the clear must be for
// nobody else to read, else the error is a *TokenFileModeError.
func OpenTokenFile(path string) (file *os.File, sealed bool, err error) {
	file, err = os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if sealed, err = Sealed(file); err != nil || sealed {
		return file, sealed, err
	}
	if err := otherThanTokens(path, file); err != nil {
		return file, false, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		err = &TokenFileModeError{path, info.Mode().Perm()}
	}
	return file, false, err
}

// otherThanTokens is what file is, where it has no tokens. A file that may have some
// is read from its beginning next.
func otherThanTokens(path string, file *os.File) error {
	kind, err := cohort.KindOf(file)
	if err == nil && kind != "" && kind != cohort.Tokens {
		err = &cohort.OtherFileError{File: path, Kind: kind, Wanted: cohort.Tokens}
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return err
}

// VerifyAll looks at the accounts of connections, some at a time, and returns what went
// wrong.
func (ac *Accounts) VerifyAll(ctx context.Context, connections []string) []error {
	all := make([]error, len(connections))
	var group errgroup.Group
	group.SetLimit(8)
	for i, id := range connections {
		group.Go(func() error {
			_, all[i] = ac.Verify(ctx, id)
			return nil
		})
	}
	group.Wait()
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}
