package cohort

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Kind is what a study file is about.
type Kind string

// The kinds of study files, and the one of readings, which is for metrics alone.
const (
	Roster     Kind = "roster"
	Windows    Kind = "windows"
	Exclusions Kind = "exclusions"
	Tokens     Kind = "tokens"
	Readings   Kind = "readings"
)

// Words is the kind as people name the file.
func (k Kind) Words() string {
	if k == Roster {
		return "a roster"
	}
	return "a file of " + string(k)
}

// An OtherFileError says that a study file is of another kind than the one that was to
// be read. Nothing of it was taken.
type OtherFileError struct {
	File         string
	Kind, Wanted Kind
}

func (e *OtherFileError) Error() string {
	return fmt.Sprintf("%s is %s, not %s", e.File, e.Kind.Words(), e.Wanted.Words())
}

// kinds are the layouts, those first that want most.
func kinds() []layout {
	readings := []string{"id", "time", "gl"}
	return []layout{tokenLayout(), windows().layout, exclusions().layout, rosterLayout(),
		{kind: Readings, columns: readings, required: readings}}
}

// KindOf reads the header of a study file; "" if it is that of none. A file that is no
// text is a *CSVError.
func KindOf(file *os.File) (Kind, error) {
	text, err := io.ReadAll(io.LimitReader(file, 64<<10))
	if err != nil {
		return "", err
	}
	in, err := readerOf(text)
	if err != nil {
		return "", &CSVError{File: filepath.Base(file.Name()), Lines: []LineError{notTable(err)}}
	}
	header, err := in.Read()
	if err != nil {
		return "", nil // what is wrong is said by who reads it all
	}
	return kindOf(trimmed(header), layout{}), nil
}

// kindOf is the kind of file that header fits better than own, or wholly; "" for none.
func kindOf(header []string, own layout) Kind {
	header = slices.DeleteFunc(slices.Clone(header), func(cell string) bool { return cell == "" })
	for _, l := range kinds() {
		known := l.known(header)
		if l.kind != own.kind && l.fits(header) && (known > own.known(header) || known == len(header)) {
			return l.kind
		}
	}
	return ""
}

// known is how many of the header's columns l has.
func (l layout) known(header []string) (n int) {
	for _, cell := range header {
		if slices.Contains(l.columns, l.name(cell)) {
			n++
		}
	}
	return n
}

// fits reports whether the header has all that l requires.
func (l layout) fits(header []string) bool {
	return !slices.ContainsFunc(l.required, func(column string) bool {
		return !slices.ContainsFunc(header, func(cell string) bool { return l.name(cell) == column })
	})
}

// name is the canonical name of a column as a file spells it.
func (l layout) name(cell string) string {
	name := strings.ToLower(cell)
	if canonical, ok := l.aliases[name]; ok {
		return canonical
	}
	return name
}
