package tables

import (
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/transform"
)

// lines are a format with one line for each row: the same values in the same words as
// those of dexetl query.
type lines struct {
	to     io.Writer
	quote  func(dst []byte, text string) []byte // text, and what only text has
	before []string                             // each column
	null   string
	bare   bool // times are not quoted
	end    string
	line   []byte
}

func newNDJSON(t transform.Table, to io.Writer) (encoder, error) {
	l := &lines{to: to, null: "null", end: "}\n", quote: func(dst []byte, text string) []byte {
		dst, _ = jsontext.AppendQuote(dst, text) // what is no UTF-8 is replaced
		return dst
	}}
	for i, c := range t.Columns {
		l.before = append(l.before, string(l.quote([]byte{"{,"[min(i, 1)]}, c.Name))+":")
	}
	return l, nil
}

func newCSV(t transform.Table, to io.Writer) (encoder, error) {
	l := &lines{to: to, bare: true, end: "\n", quote: quoteCSV}
	for i, c := range t.Columns {
		l.before = append(l.before, ","[:min(i, 1)])
		l.line = append(append(l.line, l.before[i]...), c.Name...)
	}
	_, err := to.Write(append(l.line, '\n'))
	return l, err
}

// quoteCSV writes a field, in quotes where it must be. An empty text is quoted, which
// tells it from null.
func quoteCSV(dst []byte, text string) []byte {
	if text != "" && text != `\.` && !strings.ContainsAny(text, ",\"\r\n") && text[0] != ' ' && text[0] != '\t' {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(text, `"`, `""`)...)
	return append(dst, '"')
}

func (l *lines) Write(rows arrow.RecordBatch) error {
	columns := make([]writeValue, rows.NumCols())
	for i, c := range rows.Columns() {
		columns[i] = l.column(c)
	}
	l.line = l.line[:0]
	for row := range int(rows.NumRows()) {
		for i, write := range columns {
			l.line = append(l.line, l.before[i]...)
			if rows.Column(i).IsNull(row) {
				l.line = append(l.line, l.null...)
			} else {
				l.line = write(l.line, row)
			}
		}
		l.line = append(l.line, l.end...)
		if len(l.line) > 1<<16 {
			if _, err := l.to.Write(l.line); err != nil {
				return err
			}
			l.line = l.line[:0]
		}
	}
	_, err := l.to.Write(l.line)
	return err
}

func (l *lines) Close() error { return nil }

func (l *lines) Abort() {}
