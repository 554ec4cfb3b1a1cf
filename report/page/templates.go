package page

import (
	"html/template"
	"io/fs"
	"strings"
	"sync"
	"time"
)

// What the templates of all pages share, and how their names end.
const (
	ending      = ".html.tmpl"
	sharedParts = "frame" + ending
)

// templates are those of all pages by name, each with the frame around it. They are
// embedded, and every test parses them: a fault is the program's.
var templates = sync.OnceValue(func() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(template.FuncMap{
		"commands": commands,
		"date":     func(t time.Time) string { return t.Format(time.DateOnly) },
		"utc":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	}).ParseFS(files, sharedParts))
	names, err := fs.Glob(files, "*"+ending)
	if err != nil {
		panic(err)
	}
	all := map[string]*template.Template{}
	for _, name := range names {
		if name != sharedParts {
			all[strings.TrimSuffix(name, ending)] = template.Must(template.Must(shared.Clone()).ParseFS(files, name))
		}
	}
	return all
})
