package cohort

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16le is text as Excel saves "Unicode Text".
func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

// A roster is read whatever its program puts between the cells, and however it writes
// letters.
func TestRosterOfEveryProgram(t *testing.T) {
	for name, file := range map[string]string{
		"semicolons":          "participant_id;site\nP001;Zürich, Nord\n",
		"tabs":                "participant_id\tsite\nP001\tZürich, Nord\n",
		"UTF-16":              utf16le("participant_id\tsite\r\nP001\tZürich, Nord\r\n"),
		"marked UTF-8":        "\ufeffparticipant_id,site\nP001,\"Zürich, Nord\"\n",
		"lines of an old Mac": "participant_id;site\rP001;Zürich, Nord\r",
	} {
		s, _ := newStore(t)
		if _, err := s.ImportRoster(context.Background(), strings.NewReader(file)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if all, err := s.Participants(context.Background()); err != nil || len(all) != 1 || all[0].Site != "Zürich, Nord" {
			t.Errorf("%s: read as %+v, %v", name, all, err)
		}
	}
}

// Every import sees that a file is for another one, and takes nothing of it.
func TestOtherFiles(t *testing.T) {
	files := map[Kind]string{
		Roster:     "participant_id,site,cohort\nP001,x,A\n",
		Windows:    "participant_id,window,start_day,end_day\n*,base,1,14\n",
		Exclusions: "Participant,from,to\nP001,2026-01-01,2026-01-02\n",
		Tokens:     "participant_id,refresh_token\nP001,secret\n",
		Readings:   "id,time,gl\nP001,2026-01-01 00:00:00,100\n",
	}
	s, _ := newStore(t)
	addAll(t, s, "P001")
	ctx := context.Background()
	imports := map[Kind]func(io.Reader) error{
		Roster:     func(r io.Reader) error { _, err := s.ImportRoster(ctx, r); return err },
		Windows:    func(r io.Reader) error { _, err := s.ImportWindows(ctx, r, nil); return err },
		Exclusions: func(r io.Reader) error { _, err := s.ImportExclusions(ctx, r, nil); return err },
		Tokens:     func(r io.Reader) error { _, err := s.ReadTokenFile(ctx, r); return err },
	}
	for wanted, take := range imports {
		for kind, file := range files {
			err := take(strings.NewReader(file))
			var other *OtherFileError
			switch {
			case kind == wanted && err != nil:
				t.Errorf("%s: %v", kind, err)
			case kind != wanted && (!errors.As(err, &other) || other.Kind != kind || other.Wanted != wanted):
				t.Errorf("%s taken for %s: %v", kind, wanted, err)
			case kind != wanted && strings.Contains(err.Error(), "secret"):
				t.Errorf("the error shows a token: %v", err)
			}
		}
	}
	for kind, text := range files {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if got, err := KindOf(file); got != kind || err != nil {
			t.Errorf("KindOf a file of %s: %q, %v", kind, got, err)
		}
	}
	for _, own := range []string{"participant_id,windw,start,end\n", "participant_id,window,start,end,foo\n"} {
		if _, err := s.ImportWindows(ctx, strings.NewReader(own), nil); reflect.TypeOf(err) != reflect.TypeFor[*CSVError]() {
			t.Errorf("%q, with a mistake of its own: %v", own, err)
		}
	}
}
