package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dexetl/dexetl/extract/consent/page"
)

// printQR draws a QR code on a terminal, in black and white whatever its
// colours are.
func (p *program) printQR(text string) error {
	drawn, err := page.QRText(text)
	if err != nil {
		return err
	}
	before, after := "\x1b[97;40m", "\x1b[0m"
	if p.getenv("NO_COLOR") != "" {
		before, after = "", ""
	}
	for line := range strings.Lines(drawn) {
		fmt.Fprint(p.stdout, before, strings.TrimSuffix(line, "\n"), after, "\n")
	}
	return nil
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
