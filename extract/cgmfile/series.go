package cgmfile

import (
	"cmp"
	"io"
	"slices"
)

// A File is what a file has, person by person.
type File struct {
	Series   []Series // in the order in which the file names them
	Rows     int      // readings in the file
	Replaced int      // rows left out because a later row has the same person and instant
}

// A Series is one person's readings, oldest first, no two at one instant.
type Series struct {
	ID        string
	HasOffset bool // times were written with their offset
	Samples   []Sample
}

// Read reads a file whole, at 24 bytes a row. Of readings of one person at one
// instant the last one in the file counts. The errors are those of
// [Format.Readings].
func (f Format) Read(from io.Reader) (File, error) {
	var file File
	place := map[string]int{}
	at := -1 // the series of the row before
	for r, err := range f.Readings(from) {
		if err != nil {
			return File{}, err
		}
		if at < 0 || file.Series[at].ID != r.ID {
			var known bool
			if at, known = place[r.ID]; !known {
				at = len(file.Series)
				place[r.ID] = at
				file.Series = append(file.Series, Series{ID: r.ID, HasOffset: r.HasOffset})
			}
		}
		s := &file.Series[at]
		s.Samples = append(s.Samples, r.Sample)
		file.Rows++
	}
	for i := range file.Series {
		file.Replaced += file.Series[i].settle()
	}
	return file, nil
}

// settle sorts the samples by time and leaves one of each instant, the last. It
// returns how many it left out.
func (s *Series) settle() int {
	byTime := func(a, b Sample) int { return cmp.Compare(a.Time, b.Time) }
	if !slices.IsSortedFunc(s.Samples, byTime) {
		slices.SortStableFunc(s.Samples, byTime)
	}
	kept := s.Samples[:0]
	for _, x := range s.Samples {
		if n := len(kept); n > 0 && kept[n-1].Time == x.Time {
			kept[n-1] = x
		} else {
			kept = append(kept, x)
		}
	}
	left := len(s.Samples) - len(kept)
	s.Samples = kept
	return left
}
