package figure

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// A canvas is what an SVG is drawn on. Lengths are in its own units; the page scales it.
type canvas struct {
	width, height float64
	b             strings.Builder
}

// newCanvas is an empty canvas of a size.
func newCanvas(width, height float64) *canvas { return &canvas{width: width, height: height} }

// svg is the drawing. The id is unique in its page; the title names it, and desc says in a
// sentence or two what it shows, for those who do not see it.
func (c *canvas) svg(id, title, desc string) template.HTML {
	id = html.EscapeString(id)
	return template.HTML(fmt.Sprintf(`<svg class="figure" viewBox="0 0 %s %s" role="img" aria-labelledby="%[3]s-title %[3]s-desc">`+
		`<title id="%[3]s-title">%[4]s</title><desc id="%[3]s-desc">%[5]s</desc>%[6]s</svg>`,
		coordinate(c.width), coordinate(c.height), id, html.EscapeString(title), html.EscapeString(desc), c.b.String()))
}

func (c *canvas) rect(class string, x, y, width, height float64) {
	fmt.Fprintf(&c.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"/>`, class, coordinate(x), coordinate(y), coordinate(width), coordinate(height))
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.b, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2))
}

func (c *canvas) circle(class string, x, y, radius float64) {
	fmt.Fprintf(&c.b, `<circle class="%s" cx="%s" cy="%s" r="%s"/>`, class, coordinate(x), coordinate(y), coordinate(radius))
}

// path draws what the path data d say.
func (c *canvas) path(class, d string) {
	fmt.Fprintf(&c.b, `<path class="%s" d="%s"/>`, class, d)
}

// text writes beside, around or before a point: class has start, middle or end.
func (c *canvas) text(class string, x, y float64, words string) {
	fmt.Fprintf(&c.b, `<text class="%s" x="%s" y="%s">%s</text>`, class, coordinate(x), coordinate(y), html.EscapeString(words))
}

// A point of a drawing.
type point struct{ x, y float64 }

// polyline is the path data of a line through points.
func polyline(points []point) string {
	var b strings.Builder
	for i, p := range points {
		step := 'L'
		if i == 0 {
			step = 'M'
		}
		fmt.Fprintf(&b, "%c%s %s", step, coordinate(p.x), coordinate(p.y))
	}
	return b.String()
}

// A scale maps a value to a length, linearly.
type scale struct{ from, to, start, end float64 }

func (s scale) of(value float64) float64 {
	return s.start + (value-s.from)/(s.to-s.from)*(s.end-s.start)
}
