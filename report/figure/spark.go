package figure

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/dexetl/dexetl/report/number"
)

// Spark is a bar of ranges for the row of a table, lowest at the left, with its shares as
// title, and where its numbers are. It is empty without a value.
func Spark(r Ranges) template.HTML {
	if math.IsNaN(r[0]) {
		return ""
	}
	title := html.EscapeString(r.Words())
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="spark" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="%s"><title>%[1]s</title><desc>Numbers are in this row, and below the figure Time in ranges.</desc>`, title)
	at := 0.0
	for i, class := range rangeClasses() {
		if r[i] > 0 {
			fmt.Fprintf(&b, `<rect class="%s" x="%s" width="%s" height="10"/>`, class, coordinate(at), coordinate(r[i]))
		}
		at += r[i]
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// Words say the shares with one decimal, which add to 100.0:
// "0.3 % very low, 1.9 % low, 77.8 % in range, 17.2 % high, 2.8 % very high".
func (r Ranges) Words() string {
	said := number.AllTenths(r[:]...)
	for i, words := range RangeWords() {
		said[i] += " " + words
	}
	return strings.Join(said, ", ")
}
