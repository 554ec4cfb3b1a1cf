package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A Cursor is where the next page of a list begins: in the snapshot of the first page,
// behind the last row of the one before.
type Cursor struct {
	Snapshot string // its name
	Last     string // key of the last row, as the route likes it
}

// cursorCheck is how many bytes of a checksum a cursor has.
const cursorCheck = 8

// NextCursor is c for a caller, who passes it back. List says which list it is of: the
// route, and what it was asked for.
func NextCursor(list string, c Cursor) string {
	payload := []byte(c.Snapshot + "\x00" + c.Last)
	return base64.RawURLEncoding.EncodeToString(append(cursorSum(list, payload), payload...))
}

// ParseCursor reads what NextCursor made for the same list; a *Problem about the query
// parameter of this name says that it is of another one, or none at all.
func ParseCursor(parameter, list, text string) (Cursor, error) {
	all, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(all) < cursorCheck || string(cursorSum(list, all[cursorCheck:])) != string(all[:cursorCheck]) {
		return Cursor{}, NoCursor(parameter)
	}
	snapshot, last, _ := strings.Cut(string(all[cursorCheck:]), "\x00")
	return Cursor{snapshot, last}, nil
}

// NoCursor is the Problem about what is no cursor. The checksum keeps no secret, so a route
// uses it for places that it would not have given, too.
func NoCursor(parameter string) *Problem {
	return Invalid("query."+parameter, "not a cursor that an answer to this request gave")
}

func cursorSum(list string, payload []byte) []byte {
	sum := sha256.Sum256(append([]byte(list+"\x00"), payload...))
	return sum[:cursorCheck]
}
