//go:build linux || darwin

package snapshot

import (
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// A part is the data files of a table that share no moment with others: those of a
// month, or of one of the last days.
type part struct {
	name        string
	files       []lake.File
	first, last time.Time // of their rows
}

// partsOf divides the files of a table.
func partsOf(files []lake.File) (parts []part) {
	places := map[string]int{}
	for _, f := range files {
		name := f.Partition + " " + f.Day
		i, found := places[name]
		if !found {
			i = len(parts)
			places[name] = i
			parts = append(parts, part{name: name, first: f.FirstTime, last: f.LastTime})
		}
		p := &parts[i]
		p.files = append(p.files, f)
		if f.FirstTime.Before(p.first) {
			p.first = f.FirstTime
		}
		if f.LastTime.After(p.last) {
			p.last = f.LastTime
		}
	}
	return parts
}

// paths are those of the files, from the folder of the lake.
func (p part) paths() (paths []string) {
	for _, f := range p.files {
		paths = append(paths, f.Path)
	}
	return paths
}

// partsTable is the statement that says to queries from when to when the rows of each
// part are.
func partsTable(parts []part) string {
	rows := make([]string, len(parts))
	for i, p := range parts {
		rows[i] = fmt.Sprintf("(%s, make_timestamp(%d), make_timestamp(%d))", text(p.name), p.first.UnixMicro(), p.last.UnixMicro())
	}
	return "create or replace table parts as\nfrom (values " + strings.Join(rows, ", ") + ") as p (part, first_time, last_time)"
}
