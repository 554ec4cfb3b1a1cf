package figure

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
)

// Paired is a share of everybody before and after: a line for each.
type Paired struct {
	ID            string // unique in its page; those of the groups follow from it
	Title         string // what it is a share of
	Before, After string // names of the windows
	Goal          float64
	Groups        []Group
}

// A Group is those who are drawn together.
type Group struct {
	Name  string // empty: there are no others
	Pairs []Pair
}

// A Pair is the shares of a participant, 0 to 100.
type Pair struct {
	Name          string
	Before, After float64
}

// Where a group is drawn.
const (
	pairedWidth, pairedHeight = 400, 340
	pairedLeft, pairedRight   = 108, 304
	pairedTop, pairedBottom   = 28, 306
)

// Figure draws the groups side by side.
func (p Paired) Figure() Figure {
	f := Figure{Title: p.Title, Data: Table{Columns: append(Words("participant", "group"), Numbers(p.Before, p.After, "difference")...)}}
	var b strings.Builder
	b.WriteString(`<div class="groups">`)
	for i, group := range p.Groups {
		b.WriteString(`<div class="group">` + string(p.draw(fmt.Sprintf("%s-%d", p.ID, i+1), group)) + `</div>`)
		for _, pair := range group.Pairs {
			f.Data.Rows = append(f.Data.Rows, []string{pair.Name, group.Name, number.Tenths(pair.Before), number.Tenths(pair.After), number.Signed(pair.After-pair.Before, 1)})
		}
	}
	b.WriteString(`</div>`)
	if len(p.Groups) == 1 && p.Groups[0].Name == "" {
		f.Data = f.Data.without(1)
	}
	f.SVG = template.HTML(b.String())
	f.Note = fmt.Sprintf("A line for each participant. Solid: it rose or stayed; dashed: it fell. The thick line joins the medians. Dotted: %s, which the consensus has adults above.", number.Percent(p.Goal))
	return f
}

// without leaves a column out.
func (t Table) without(column int) Table {
	left := Table{Name: t.Name, Columns: append(append([]Column{}, t.Columns[:column]...), t.Columns[column+1:]...)}
	for _, row := range t.Rows {
		left.Rows = append(left.Rows, append(append([]string{}, row[:column]...), row[column+1:]...))
	}
	return left
}

// draw draws a group.
func (p Paired) draw(id string, group Group) template.HTML {
	c, y := newCanvas(pairedWidth, pairedHeight), scale{0, 100, pairedBottom, pairedTop}
	title := p.Title
	if group.Name != "" {
		title += ", " + group.Name
		c.text("middle strong", (pairedLeft+pairedRight)/2, 14, fmt.Sprintf("%s (n = %d)", group.Name, len(group.Pairs)))
	}
	for share := 0; share <= 100; share += 20 {
		c.line("gridline", pairedLeft-52, y.of(float64(share)), pairedRight+52, y.of(float64(share)))
		c.text("end quiet", pairedLeft-60, y.of(float64(share))+4, fmt.Sprintf("%d %%", share))
	}
	c.line("bound", pairedLeft-52, y.of(p.Goal), pairedRight+52, y.of(p.Goal))
	for i, name := range []string{p.Before, p.After} {
		at := []float64{pairedLeft, pairedRight}[i]
		c.line("axis", at, pairedTop, at, pairedBottom)
		c.text("middle", at, pairedBottom+20, name)
	}
	for _, pair := range group.Pairs {
		class := "rose"
		if pair.After < pair.Before {
			class = "fell"
		}
		c.line(class, pairedLeft, y.of(pair.Before), pairedRight, y.of(pair.After))
		c.circle(class+" dot", pairedLeft, y.of(pair.Before), 2.5)
		c.circle(class+" dot", pairedRight, y.of(pair.After), 2.5)
	}
	before, after := group.medians()
	words := "There are no pairs."
	if len(group.Pairs) > 0 {
		c.line("medians", pairedLeft, y.of(before), pairedRight, y.of(after))
		c.text("end strong over", pairedLeft-8, y.of(before)+4, number.Percent(before))
		c.text("start strong over", pairedRight+8, y.of(after)+4, number.Percent(after))
		words = fmt.Sprintf("%d participants, each with a line from %s to %s. The median goes from %s to %s.", len(group.Pairs), p.Before, p.After, number.Percent(before), number.Percent(after))
	}
	return c.svg(id, title, words)
}

// medians are those of both windows; NaN of nobody.
func (g Group) medians() (before, after float64) {
	if len(g.Pairs) == 0 {
		return math.NaN(), math.NaN()
	}
	var b, a []float64
	for _, pair := range g.Pairs {
		b, a = append(b, pair.Before), append(a, pair.After)
	}
	return metrics.Quantile(b, 0.5), metrics.Quantile(a, 0.5)
}
