package page

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the margin, in modules, that readers of QR codes need on a screen.
// The standard asks for 4, which is for paper.
const quietZone = 2

// QRText draws text as a QR code, two modules to a character: light ones are
// drawn and dark ones are not, which reads on a dark terminal. A screen has no stains:
// with the least of redundancy, a link of 100 characters takes 21 lines.
func QRText(text string) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", fmt.Errorf("QR code: %w", err)
	}
	light := func(x, y int) bool { return !code.Black(x, y) } // also outside
	var b strings.Builder
	for y := -quietZone; y < code.Size+quietZone; y += 2 {
		for x := -quietZone; x < code.Size+quietZone; x++ {
			switch upper, lower := light(x, y), light(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// QRImage is text as a QR code, a PNG.
func QRImage(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("QR code: %w", err)
	}
	return code.PNG(), nil
}
