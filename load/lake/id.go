package lake

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// An ID names a manifest: the number of a snapshot, and which issue of it. The first
// one, 0, was committed. Another one stands in its place, where rows had to go for good.
type ID struct {
	Number int64
	Issue  int
}

// String is the name of the snapshot for people: 123, or 123e1.
func (id ID) String() string {
	if id.Issue == 0 {
		return strconv.FormatInt(id.Number, 10)
	}
	return fmt.Sprintf("%de%d", id.Number, id.Issue)
}

// ParseID reads what String wrote, and zeros before a number.
func ParseID(text string) (id ID, ok bool) {
	number, issue, again := strings.Cut(text, "e")
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n == 0 {
		return ID{}, false
	}
	id.Number = int64(n)
	if again {
		e, err := strconv.ParseUint(issue, 10, 31)
		if err != nil || e == 0 {
			return ID{}, false
		}
		id.Issue = int(e)
	}
	return id, true
}

// ID names the manifest.
func (m Manifest) ID() ID { return ID{m.Snapshot, m.Reissue} }

// Compare orders by number, then by issue.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Number, other.Number), cmp.Compare(id.Issue, other.Issue))
}

func manifestPath(n int64) string { return ID{Number: n}.path() }

// Path is where the manifest lies, from the lake's folder.
func (id ID) Path() string { return id.path() }

func (id ID) path() string {
	name := fmt.Sprintf("%s/%012d", manifestDir, id.Number)
	if id.Issue > 0 {
		name += fmt.Sprintf("e%d", id.Issue)
	}
	return name + ".json"
}

// idOf is the manifest that a file in the folder of manifests is, if it is one.
func idOf(file string) (ID, bool) {
	id, ok := ParseID(strings.TrimSuffix(file, ".json"))
	return id, ok && path.Base(id.path()) == file
}
