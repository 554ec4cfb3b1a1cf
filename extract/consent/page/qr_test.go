package page

import (
	"strings"
	"testing"

	"rsc.io/qr"
)

// The QR code of a terminal is the QR code, module for module, with its margin.
func TestQRText(t *testing.T) {
	const link = "https://consent.example.org/i/hws75lnyyqdagb5djergouksjiru7jwdqz3fd53ltns4js66ioqa"
	drawn, err := QRText(link)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(link, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(drawn, "\n"), "\n")
	for y := range 2 * len(lines) {
		row := []rune(lines[y/2])
		if len(row) != code.Size+2*quietZone {
			t.Fatalf("line %d has %d characters, want %d", y/2, len(row), code.Size+2*quietZone)
		}
		for x, r := range row {
			light := r == '█' || r == '▀' && y%2 == 0 || r == '▄' && y%2 == 1
			if light == code.Black(x-quietZone, y-quietZone) {
				t.Fatalf("module %d, %d is wrong:\n%s", x, y, drawn)
			}
		}
	}
	if len(lines) > 21 {
		t.Errorf("%d lines: with the link and a prompt below, 21 fit on a screen", len(lines))
	}
	if rows := 2 * len(lines); rows < code.Size+2*quietZone {
		t.Errorf("%d rows, want %d and more", rows, code.Size+2*quietZone)
	}
}
