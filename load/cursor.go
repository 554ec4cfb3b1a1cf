package load

import (
	"context"
	"iter"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A cursor goes through a file, whose rows are sorted by participant, one
// participant after the other. It opens the file when the first one's rows are
// asked for, closes it after the last, and holds one batch in between.
type cursor struct {
	file  lake.File
	first string // participant
	rows  iter.Seq2[arrow.RecordBatch, error]
	of    label                                   // of rows: their participants, as a rule
	next  func() (arrow.RecordBatch, error, bool) // nil before the file is open
	stop  func()
	batch arrow.RecordBatch // nil before the first and after the last
	row   int
	done  bool
}

// A label names a row of a batch; rows are in the order of their labels.
type label func(b arrow.RecordBatch, row int) string

func participantOf(b arrow.RecordBatch, row int) string {
	return transform.TextAt(b.Column(b.Schema().FieldIndices("participant_id")[0]), row)
}

// A piece is consecutive rows of one participant in a file. Whoever takes it
// releases its rows.
type piece struct {
	rows  arrow.RecordBatch
	first int    // its place among the participant's rows in the file, from 0
	path  string // of the file
}

func newCursor(ctx context.Context, l *lake.Lake, f lake.File, o lake.ReadOptions) *cursor {
	return &cursor{file: f, first: f.FirstParticipant, rows: l.Read(ctx, f, o), of: participantOf}
}

// peek returns the next participant; false at the end. Of a file that is not
// open yet it is the one that the manifest says.
func (c *cursor) peek() (string, bool, error) {
	if c.next == nil && !c.done {
		return c.first, true, nil
	}
	return c.read()
}

// read is peek on an open file.
func (c *cursor) read() (string, bool, error) {
	if c.next == nil && !c.done {
		c.next, c.stop = iter.Pull2(c.rows)
	}
	for !c.done && (c.batch == nil || c.row == int(c.batch.NumRows())) {
		c.drop()
		batch, err, ok := c.next()
		if err != nil {
			c.done = true
			return "", false, err
		}
		if !ok {
			c.done = true
			break
		}
		c.batch, c.row = batch, 0
	}
	if c.done {
		return "", false, nil
	}
	return c.of(c.batch, c.row), true, nil
}

// take returns the rows of a participant and goes past them, and past those
// of all participants before.
func (c *cursor) take(participant string) ([]piece, error) {
	var pieces []piece
	rows := 0
	for {
		p, ok, err := c.read()
		if err != nil {
			releasePieces(pieces)
			return nil, err
		}
		if !ok || p > participant {
			return pieces, nil
		}
		start := c.row
		end := start + sort.Search(int(c.batch.NumRows())-start, func(i int) bool { return c.of(c.batch, start+i) > p })
		c.row = end
		if p == participant {
			pieces = append(pieces, piece{c.batch.NewSlice(int64(start), int64(end)), rows, c.file.Path})
			rows += end - start
		}
	}
}

func (c *cursor) drop() {
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
}

func (c *cursor) close() {
	c.drop()
	c.done = true
	if c.stop != nil {
		c.stop()
	}
}

func releasePieces(pieces []piece) {
	for _, p := range pieces {
		p.rows.Release()
	}
}

// A sweep takes the rows of one participant after the other out of many
// files, each of which it reads at most once. Participants must come in order.
type sweep struct {
	lake    *lake.Lake
	options lake.ReadOptions // To bounds the participants that will be asked for
	files   []lake.File
	open    map[string]*cursor
}

func newSweep(l *lake.Lake, files []lake.File, o lake.ReadOptions) *sweep {
	return &sweep{lake: l, options: o, files: files, open: make(map[string]*cursor)}
}

// take returns a participant's rows in those files that want accepts; nil: in all.
func (s *sweep) take(ctx context.Context, participant string, want func(lake.File) bool) ([]piece, error) {
	var pieces []piece
	for _, f := range s.files {
		if participant < f.FirstParticipant || participant > f.LastParticipant || want != nil && !want(f) {
			continue
		}
		c := s.open[f.Path]
		if c == nil {
			o := s.options
			o.From = participant
			c = newCursor(ctx, s.lake, f, o)
			s.open[f.Path] = c
		}
		more, err := c.take(participant)
		if err != nil {
			releasePieces(pieces)
			return nil, err
		}
		pieces = append(pieces, more...)
	}
	s.forget(participant)
	return pieces, nil
}

// forget closes files that have nothing after participant.
func (s *sweep) forget(participant string) {
	for path, c := range s.open {
		if c.file.LastParticipant <= participant {
			c.close()
			delete(s.open, path)
		}
	}
	s.files = slices.DeleteFunc(s.files, func(f lake.File) bool { return f.LastParticipant <= participant })
}

func (s *sweep) close() {
	for _, c := range s.open {
		c.close()
	}
}

// each calls do with the rows of each of participants, which are in order, and
// closes the sweep. What want and the rows are, take says.
func (s *sweep) each(ctx context.Context, participants []string, want func(participant string, f lake.File) bool,
	do func(participant string, held []piece) error) error {
	defer s.close()
	for _, p := range participants {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.options.To = participants[len(participants)-1]
		held, err := s.take(ctx, p, func(f lake.File) bool { return want == nil || want(p, f) })
		if err != nil {
			return err
		}
		err = do(p, held)
		releasePieces(held)
		if err != nil {
			return err
		}
	}
	return nil
}

// heldRows is a sweep of the rows that a table has.
func (s *step) heldRows(table string, columns ...string) *sweep {
	return newSweep(s.loader.Lake, s.parent.TableFiles(table), lake.ReadOptions{Columns: columns})
}

// readAll returns all rows of files in memory. It is for small tables.
func readAll(ctx context.Context, l *lake.Lake, files []lake.File, o lake.ReadOptions) (batches []arrow.RecordBatch, err error) {
	for _, f := range files {
		for batch, err := range l.Read(ctx, f, o) {
			if err != nil {
				releaseAll(batches)
				return nil, err
			}
			batches = append(batches, batch)
		}
	}
	return batches, nil
}

func releaseAll(batches []arrow.RecordBatch) {
	for _, b := range batches {
		b.Release()
	}
}
