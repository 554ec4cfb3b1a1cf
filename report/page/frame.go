package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

// A Palette says which colours the ranges of glucose have.
type Palette string

// The palettes.
const (
	Convention Palette = "convention" // red to orange, as clinicians know them
	Accessible Palette = "accessible" // blue to orange, told apart by those who see red and green alike
)

// Palettes are all of them.
func Palettes() []Palette { return []Palette{Convention, Accessible} }

// A Frame is what every page has around its content.
type Frame struct {
	Study   string // its id
	Title   string
	Links   []Link // to the other pages of the report
	Palette Palette
	Sight   Sight
	Stamp   Stamp
}

// A Sight says what the pages show of what a study may hide.
type Sight string

// The sights.
const (
	Usual     Sight = "usual"     // all but arms
	Blinded   Sight = "blinded"   // neither glucose, alerts and events nor arms
	Unblinded Sight = "unblinded" // all
)

// IsBlinded reports whether a page says that it is blinded.
func IsBlinded(html []byte) bool {
	return bytes.Contains(html, []byte(`<p class="sight"><strong>Blinded</strong>`))
}

// A Link leads to another page, by a relative path.
type Link struct {
	Title, Path string
	Here        bool
}

// A Stamp says where the numbers of a page come from.
type Stamp struct {
	Snapshot       string // number, with the edition if it was issued again
	Manifest       string // SHA-256
	Committed      time.Time
	Written        time.Time // the page
	Program        string    // version
	MetricsVersion string
	Preset         string // rules of the metrics
}

//go:embed *.css *.html.tmpl
var files embed.FS

// A Content is what a page has in its frame: the model of a template.
type Content interface {
	template() string // its file name without .html.tmpl; a .css of that name is its style
}

// A styled content has rules of its own, which depend on what it shows.
type styled interface {
	style() template.CSS
}

// Write writes a page whole.
func Write(w io.Writer, f Frame, content Content) error {
	rules := style(f.Palette, content.template()) + f.margins()
	if own, ok := content.(styled); ok {
		rules += own.style()
	}
	return templates()[content.template()].ExecuteTemplate(w, "frame", struct {
		Frame
		Style   template.CSS
		Use     string
		Content Content
	}{f, rules, use, content})
}

// style is the style sheet of a page with a palette.
func style(p Palette, page string) template.CSS {
	if p == "" {
		p = Convention
	}
	var all []byte
	for _, name := range []string{"palette_" + string(p), "style", page} {
		content, err := files.ReadFile(name + ".css")
		if err != nil && name != page { // a page may have no style of its own
			panic(fmt.Sprintf("palette %q: %v", p, err)) // the command knows the palettes
		}
		all = append(all, content...)
	}
	return template.CSS(all)
}
