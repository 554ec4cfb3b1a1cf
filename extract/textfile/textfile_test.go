package textfile

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// However a text was saved, it is read as the same lines.
func TestNew(t *testing.T) {
	const want = "id\tsite\n1\tZürich\n"
	for name, file := range map[string]string{
		"UTF-8":               want,
		"marked":              "\ufeff" + want,
		"lines of Windows":    "id\tsite\r\n1\tZürich\r\n",
		"lines of an old Mac": "id\tsite\r1\tZürich\r",
		"UTF-16, marked":      "\xff\xfe" + wide(want),
		"UTF-16, not marked":  wide(want),
	} {
		in, err := New(strings.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(in); string(got) != want || err != nil {
			t.Errorf("%s: read as %q, %v, want %q", name, got, err, want)
		}
	}
}

// What is no text is named.
func TestNotText(t *testing.T) {
	for start, want := range map[string]string{
		"PK\x03\x04\x14": "an Excel workbook or a zip archive", "\xd0\xcf\x11\xe0\xa1": "an old Excel workbook",
		"PAR1\x15": "a Parquet file", "%PDF-1.7": "a PDF",
		"age-encryption.org/v1\n": "a sealed file (age)", "-----BEGIN AGE ENCRYPTED FILE-----\n": "a sealed file (age)",
	} {
		_, err := New(strings.NewReader(start))
		if other := new(NotTextError); !errors.As(err, &other) || other.What != want {
			t.Errorf("%q: %v, want %s", start, err, want)
		}
	}
}

// wide is text in UTF-16, low byte first.
func wide(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}
