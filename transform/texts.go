package transform

import (
	"bytes"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Texts is a set of texts, of which it keeps hashes: there may be millions.
type Texts []uint64

// Has reports whether the set has text.
func (t Texts) Has(text string) bool {
	_, found := slices.BinarySearch(t, hashOf(text))
	return found
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// sorted readies t for Has.
func (t Texts) sorted() Texts {
	slices.Sort(t)
	return slices.Clip(slices.Compact(t))
}

// read adds every text in a record that could not be read: one of them may be its
// id, wherever it stands. Of numbers only one that is sent as recordId is a text. It
// returns the record's system time, of several the last one; zero without any.
func (t *Texts) read(raw []byte) (system time.Time) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	id, when := false, false // the name read last
	for {
		token, err := d.ReadToken()
		if err != nil {
			return system
		}
		depth := d.StackDepth()
		kind, n := d.StackIndex(depth)
		if kind == '{' && n%2 == 1 {
			name := token.String()
			id, when = strings.EqualFold(name, "recordId"), depth == 1 && strings.EqualFold(name, "systemTime")
			continue
		}
		if token.Kind() != '"' && !(token.Kind() == '0' && id) {
			continue
		}
		text := token.String()
		*t = append(*t, hashOf(text))
		if when && depth == 1 {
			if at, err := dexcom.ParseTime(dexcom.Text(text)); err == nil {
				system = at.UTC()
			}
		}
	}
}
