package cohort

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"

	"github.com/dexetl/dexetl/extract/textfile"
)

// readerOf reads the cells of a file, whichever of comma, semicolon and tab the program
// that saved it puts between them.
func readerOf(file []byte) (*csv.Reader, error) {
	from, err := textfile.New(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = -1
	header, _, _ := bytes.Cut(bytes.TrimLeft(text, "\n"), []byte("\n"))
	for _, separator := range ";\t" {
		if bytes.ContainsRune(header, separator) && !bytes.ContainsRune(header, ',') {
			in.Comma = separator
		}
	}
	return in, nil
}

// notTable is what is wrong with a file that is no text.
func notTable(err error) LineError {
	if other, ok := errors.AsType[*textfile.NotTextError](err); ok {
		return LineError{Line: 1, Reason: other.What + ", not CSV: save its table as CSV UTF-8 and import that"}
	}
	return LineError{Line: 1, Reason: err.Error()}
}
