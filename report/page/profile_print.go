package page

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
)

// style says on each sheet of paper whose profile it is, and of what: sheets get apart. It
// is printed by browsers that know margin boxes; others leave it out.
func (p Profile) style() template.CSS {
	return template.CSS(fmt.Sprintf(`@page { @bottom-left { content: %s; font: 8pt sans-serif; color: #4b575b } @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #4b575b } }`,
		cssString("Participant "+p.Who.ID+", snapshot "+p.Snapshot+". Research use, not for treatment decisions.")))
}

// cssString quotes words for a style sheet. What could end a string or the sheet is escaped.
func cssString(words string) string {
	var b strings.Builder
	for _, r := range words {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,_-", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\%x `, r)
		}
	}
	return `"` + b.String() + `"`
}
