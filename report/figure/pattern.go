package figure

import (
	"fmt"
	"html/template"
	"strings"
)

// DayPatterns are the patterns of days without readings, for all maps of a page, which
// has them once: each is told from the others in grey, too. The style sheet gives a day
// its pattern by its class.
func DayPatterns() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>`)
	for _, one := range []struct{ name, marks string }{
		{"left-out", `<rect class="p-tint" width="6" height="6"/><path class="p-line" d="M0 6L6 0"/>`},
		{"valueless", `<rect class="p-tint" width="6" height="6"/><circle class="p-dot" cx="3" cy="3" r="1.4"/>`},
		{"unplaced", `<rect class="p-tint" width="6" height="6"/><path class="p-line" d="M0 0L6 6M0 6L6 0"/>`},
		{"withdrawn", `<rect class="p-grey" width="6" height="6"/><path class="p-dark" d="M0 3h6"/>`},
		{"before", `<rect class="p-grey" width="6" height="6"/><path class="p-dark" d="M3 0v6"/>`},
		{"apart", `<rect class="p-grey" width="6" height="6"/><path class="p-faint" d="M0 3h6M3 0v6"/>`},
		{"failed", `<rect class="p-alarm" width="6" height="6"/><path class="p-white" d="M0 0L6 6M0 6L6 0"/>`},
		{"never", `<rect class="p-paper" width="6" height="6"/><path class="p-dark" d="M0 0L6 6M0 6L6 0"/>`},
		{"pending", `<rect class="p-paper" width="6" height="6"/><circle class="p-dot" cx="3" cy="3" r="1.4"/>`},
		{"none", `<rect class="p-paper" width="6" height="6"/><path class="p-dark" d="M0 0L6 6"/>`},
		{"empty", `<rect class="p-paper" width="6" height="6"/><path class="p-faint" d="M0 4.5h6"/>`},
	} {
		fmt.Fprintf(&b, `<pattern id="cell-%s" width="6" height="6" patternUnits="userSpaceOnUse">%s</pattern>`, one.name, one.marks)
	}
	b.WriteString(`</defs></svg>`)
	return template.HTML(b.String())
}

// Swatch is a cell of the map for its legend.
func Swatch(d Day) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><path class="%s" d="M0 6h24"/></svg>`, d.Class()))
}

// SensorSwatch is the mark of a new sensor for the legend.
func SensorSwatch() template.HTML {
	return `<svg class="swatch" viewBox="0 0 24 12" aria-hidden="true"><path class="cell-whole" d="M0 2h24"/><path class="new-sensor" d="M9 10.5h6"/></svg>`
}
