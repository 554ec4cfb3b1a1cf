package page

import (
	"html"
	"html/template"
	"regexp"
)

// command finds commands in a sentence: dexetl and its words, of which quoted ones may hold
// anything. A comma or a semicolon ends them.
var command = regexp.MustCompile(`dexetl(?: (?:'[^']*'|"[^"]*"|[^\s,;'"]+))+`)

// commands is a sentence as HTML, with its commands as code.
func commands(sentence string) template.HTML {
	var out string
	at := 0
	for _, found := range command.FindAllStringIndex(sentence, -1) {
		out += html.EscapeString(sentence[at:found[0]]) + "<code>" + html.EscapeString(sentence[found[0]:found[1]]) + "</code>"
		at = found[1]
	}
	return template.HTML(out + html.EscapeString(sentence[at:]))
}
