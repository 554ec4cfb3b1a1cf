package page

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
)

// use is said on every page, and printed on every sheet.
const use = "Research use, not for treatment decisions"

// margins say on each sheet of paper what it is of: sheets get apart. They are printed by
// browsers that know margin boxes; others leave them out.
func (f Frame) margins() template.CSS {
	about := f.Study + ", " + f.Title + ", snapshot " + f.Stamp.Snapshot
	if f.Sight != Usual && f.Sight != "" {
		about += ", " + string(f.Sight)
	}
	return template.CSS(fmt.Sprintf("@page { @bottom-left { content: %s } }\n", cssString(about+". "+use+".")))
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
