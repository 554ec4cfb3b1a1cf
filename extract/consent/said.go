package consent

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// A reply is what the token endpoint said, as far as it could be read.
type reply struct {
	pair
	lifetime time.Duration // of the access token, from expires_in in seconds
	code     oauthCode     // "" for words that no standard knows
	failed   bool          // it names an error, whatever the HTTP status

	codes, texts []string // what it says of the error, in its own words
	rest         string   // the body, if it says nothing that could be told apart
}

// readReply reads what it knows until the body ends or breaks: of an answer that
// was cut off, the tokens that came through are worth saving. The body may be
// JSON or a form, behind a byte order mark or packed.
func readReply(body []byte) reply {
	r := reply{lifetime: defaultLifetime}
	plain := bytes.TrimSpace(plainText(body))
	switch form, err := url.ParseQuery(string(plain)); {
	case len(plain) == 0:
	case plain[0] == '{':
		r.readJSON(plain)
	case plain[0] == '[' || plain[0] == '"':
		r.failed = true // no tokens come in these
		r.tell("error", plain, 0)
	case plain[0] != '<' && err == nil && !bytes.ContainsAny(plain, " \t\r\n"):
		r.readForm(form)
	}
	if len(r.codes)+len(r.texts) == 0 {
		r.rest = string(plain)
	}
	for _, text := range slices.Concat(r.codes, r.texts) {
		if r.code == "" {
			r.code = knownCode(text)
		}
	}
	return r
}

// plainText is body unpacked, without byte order mark, in UTF-8.
func plainText(body []byte) []byte {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(io.LimitReader(z, maxReply)) // of one that breaks off, what came
		}
	}
	switch {
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		return fromUTF16(body[2:], binary.LittleEndian)
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		return fromUTF16(body[2:], binary.BigEndian)
	}
	return bytes.TrimPrefix(body, []byte{0xef, 0xbb, 0xbf})
}

func fromUTF16(body []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

func (r *reply) readJSON(plain []byte) {
	members(plain, func(name string, value jsontext.Value) {
		text, isText := unquoted(value)
		if isText || name == "expires_in" {
			r.take(name, text)
		}
		r.failed = r.failed || namesError(name) && value.Kind() != 'n' && value.Kind() != 'f' && string(value) != `""`
		r.tell(name, value, 0)
	})
}

func (r *reply) readForm(form url.Values) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		text := form.Get(name)
		r.take(name, text)
		r.failed = r.failed || namesError(name) && text != ""
		if name != "code" { // which is a secret in a form
			r.note(name, text)
		}
	}
}

// take takes the members that an answer with tokens has.
func (r *reply) take(name, text string) {
	switch name {
	case "access_token":
		r.Access = text
	case "refresh_token":
		r.Refresh = text
	case "expires_in":
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
			r.lifetime = time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
		}
	}
}

// tell notes what value says of an error, down to the depth that servers nest.
func (r *reply) tell(name string, value jsontext.Value, depth int) {
	if depth > 4 {
		return
	}
	switch value.Kind() {
	case '"':
		text, _ := unquoted(value)
		r.note(name, text)
	case '{':
		members(value, func(name string, value jsontext.Value) { r.tell(name, value, depth+1) })
	case '[':
		elements(value, func(value jsontext.Value) { r.tell(name, value, depth+1) })
	}
}

// note notes a text that stands under a name which servers give to errors.
func (r *reply) note(name, text string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	switch plainName(name) {
	case "error", "errors", "errorcode", "errortype", "code", "type", "reason", "status":
		r.codes = append(r.codes, text)
	case "errordescription", "errormessage", "errorsummary", "errordetail", "errorhint", "description", "message", "messages", "msg",
		"detail", "details", "title", "hint", "cause", "faultstring":
		r.texts = append(r.texts, text)
	}
}

// namesError reports whether a member of this name is there only if something
// went wrong.
func namesError(name string) bool {
	switch plainName(name) {
	case "error", "errors", "errorcode", "errortype", "errordescription", "errormessage", "fault":
		return true
	}
	return false
}

// plainName is name however it is spelt: error_description, errorDescription and
// Error-Description are one.
func plainName(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

func decoder(plain []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(plain), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// members yields the members of the object that plain begins with, until it ends
// or breaks.
func members(plain []byte, yield func(name string, value jsontext.Value)) {
	d := decoder(plain)
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return
		}
		text := name.String() // the next read ends it
		value, err := d.ReadValue()
		if err != nil {
			return
		}
		yield(text, value)
	}
}

// elements yields the elements of the array that plain begins with.
func elements(plain []byte, yield func(value jsontext.Value)) {
	d := decoder(plain)
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return
	}
	for d.PeekKind() != ']' {
		value, err := d.ReadValue()
		if err != nil {
			return
		}
		yield(value)
	}
}

// unquoted is value as text, and whether it is one: a number is as it stands.
func unquoted(value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		return string(value), false
	}
	out, err := jsontext.AppendUnquote(nil, value)
	return string(out), err == nil
}
