package dexcom

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// A Member is a field of a JSON object that this package does not know.
type Member struct {
	Name  Text
	Value jsontext.Value // as sent; may be null
}

// Extras are the unknown members of one JSON object, as sent, in wire order, each
// name once.
type Extras struct {
	Extra []Member
	names map[string]bool // of Extra, once there are more than a few
}

func (e *Extras) extras() *Extras { return e }

// fewNames is how many are looked through one by one.
const fewNames = 16

// add adds a member, unless its name is there already.
func (e *Extras) add(m Member) bool {
	if len(e.Extra) < fewNames {
		if slices.ContainsFunc(e.Extra, func(o Member) bool { return bytes.Equal(o.Name, m.Name) }) {
			return false
		}
	} else {
		if e.names == nil {
			e.names = make(map[string]bool, 2*fewNames)
			for _, o := range e.Extra {
				e.names[string(o.Name)] = true
			}
		}
		if e.names[string(m.Name)] {
			return false
		}
		e.names[string(m.Name)] = true
	}
	e.Extra = append(e.Extra, m)
	return true
}
