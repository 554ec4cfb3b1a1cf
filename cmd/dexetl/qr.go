package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"rsc.io/qr"
)

// quietZone is the margin, in modules, that readers of QR codes need.
const quietZone = 4

// qrText draws text as a QR code, two modules to a character: light ones are
// drawn and dark ones are not, which reads on a dark terminal.
func qrText(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
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

// printQR draws a QR code on a terminal, in black and white whatever its
// colours are.
func (p *program) printQR(text string) error {
	drawn, err := qrText(text)
	if err != nil {
		return err
	}
	before, after := "\x1b[97;40m", "\x1b[0m"
	if p.getenv("NO_COLOR") != "" {
		before, after = "", ""
	}
	fmt.Fprintln(p.stdout)
	for line := range strings.Lines(drawn) {
		fmt.Fprint(p.stdout, before, strings.TrimSuffix(line, "\n"), after, "\n")
	}
	return nil
}

// writeQR writes a QR code as a PNG that its owner alone can read, in place of
// what was there.
func writeQR(path, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	return writeNew(path, code.PNG(), 0o600)
}

// writeNew writes a new file in place of what stands at its name: a link goes, and what
// it leads to stays as it is.
func writeNew(path string, content []byte, mode os.FileMode) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
