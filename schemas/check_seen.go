package schemas

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// What a report tells of values must not tell of people: it is to be sent on. So numbers
// and texts are told by their kind, times by their shape, and only what looks like a name
// that a program gave is told as it stands.

// kindName names a kind of JSON value.
func kindName(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "text"
	case '0':
		return "number"
	case 't', 'f':
		return "true or false"
	}
	return "null"
}

// wanted names what a field of kind has.
func wanted(kind dexcom.Kind) string {
	switch kind {
	case dexcom.IsObject:
		return "object"
	case dexcom.IsList:
		return "list"
	case dexcom.IsBool:
		return "true or false"
	case dexcom.IsWhole:
		return "whole number"
	case dexcom.IsReal:
		return "number"
	case dexcom.IsNote:
		return "text or number"
	}
	return "text"
}

// mayBe reports whether a field of kind may have such a JSON value.
func mayBe(kind dexcom.Kind, is jsontext.Kind) bool {
	switch kind {
	case dexcom.IsBool:
		return is == 't' || is == 'f'
	case dexcom.IsWhole, dexcom.IsReal:
		return is == '0'
	case dexcom.IsNote:
		return is == '"' || is == '0'
	}
	return is == '"'
}

// kindOf names the kind of v, or tells that it is a time.
func kindOf(v jsontext.Value) string {
	if text, err := jsontext.AppendUnquote(nil, v); v.Kind() == '"' && err == nil {
		if _, err := dexcom.ParseTime(text); err == nil {
			return "time"
		}
	}
	return kindName(v.Kind())
}

// word is a value of an enum if a program made it up, else its length.
func word(text string) string {
	if isWord(text) {
		return `"` + text + `"`
	}
	return length(text)
}

// spelling is the name of a member if a program made it up: it begins small, or is a
// known one with a capital. Others may be the ids of something, or what a person calls it.
func (w *walk) spelling(name string) string {
	if isWord(name) && (name[0] >= 'a' || w.knows(name)) {
		return name
	}
	return fmt.Sprintf("(name of %d bytes)", len(name))
}

// knows reports whether a field is called name, but for a capital first letter.
func (w *walk) knows(name string) bool {
	for _, t := range w.all {
		if slices.ContainsFunc(t.Fields, func(f dexcom.Field) bool { return capital(f.Name) == name }) {
			return true
		}
	}
	return false
}

// longestWord is more than any name of Dexcom's has, and less than any id or token.
const longestWord = 31

// isWord reports whether a program made up text: it is short, begins with a letter, has
// no blanks, and no more digits than a version or a number of days.
func isWord(text string) bool {
	digits := 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			continue
		case !strings.ContainsRune("_-+/%", c):
			return false
		}
		if i == 0 {
			return false
		}
	}
	return text != "" && len(text) <= longestWord && digits <= 4
}

// longestShape is more than any time has that a program wrote.
const longestShape = 40

// timeShape is text with every digit as 9 and every letter as A or a, but for a T or Z right
// behind a digit.
func timeShape(text string) string {
	if text == "" || len(text) > longestShape || !utf8.ValidString(text) {
		return length(text)
	}
	before := ' '
	return `"` + strings.Map(func(c rune) rune {
		behindDigit := unicode.IsDigit(before)
		before = c
		switch {
		case unicode.IsDigit(c):
			return '9'
		case behindDigit && strings.ContainsRune("TtZz", c):
			return c
		case unicode.IsUpper(c):
			return 'A'
		case unicode.IsLetter(c):
			return 'a'
		case c > unicode.MaxASCII || unicode.IsControl(c):
			return '?'
		}
		return c
	}, text) + `"`
}

// length is what is told of a text that may be about people.
func length(text string) string {
	if text == "" {
		return "empty text"
	}
	return fmt.Sprintf("text of %d bytes", len(text))
}
