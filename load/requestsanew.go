package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// A toldAnew has the rows of requests that a fold anew made: what each answer brings,
// counted without what a withdrawal leaves out.
type toldAnew struct {
	rows  sources
	place map[string]pick // by toldKey
}

// toldKey names an answer and whose it is.
func toldKey(r row) string {
	return r.str("participant_id") + "\n" + r.str("request_id") + "\n" + r.str("log_position")
}

// tellAnew makes requests say of the answers of those who have withdrawn what another
// snapshot says of them. Answers of which that says nothing stay as they are.
func (s *step) tellAnew(ctx context.Context, from Side) error {
	t, told := shapeNamed("requests"), toldAnew{place: make(map[string]pick)}
	var err error
	if told.rows, err = readAll(ctx, from.Lake, from.Manifest.TableFiles(t.Name), lake.ReadOptions{}); err != nil {
		return err
	}
	defer releaseAll(told.rows)
	for _, p := range told.rows.picks(nil) {
		told.place[toldKey(row{&t, told.rows[p.src], int(p.row)})] = p
	}
	for _, f := range whole(s.parent.TableFiles(t.Name)) {
		if err := s.tellFileAnew(ctx, t, f, told); err != nil {
			return fmt.Errorf("%s: %w", f.Partition, err)
		}
	}
	return nil
}

// tellFileAnew writes a file of requests anew, if that changes it.
func (s *step) tellFileAnew(ctx context.Context, t shape, f lake.File, told toldAnew) (err error) {
	w, err := s.commit.Create(t.Table, f.Partition, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	changed := 0
	for b, err := range s.loader.Lake.Read(ctx, f, lake.ReadOptions{}) {
		if err != nil {
			return err
		}
		fresh, n := told.instead(s.loader, t, b)
		changed += n
		b.Release()
		err = w.Write(fresh)
		fresh.Release()
		if err != nil {
			return err
		}
	}
	if changed == 0 {
		return nil
	}
	anew, err := w.Close()
	if err != nil {
		return err
	}
	s.commit.Replace([]lake.File{f}, anew)
	s.counted(t.Name, Counts{Changed: changed})
	return nil
}

// instead returns the rows of b, those that are told otherwise exchanged, and how many
// these are. The caller releases them.
func (told toldAnew) instead(l *Loader, t shape, b arrow.RecordBatch) (arrow.RecordBatch, int) {
	from, changed := append(sources{b}, told.rows...), 0
	picks := sources{b}.picks(nil)
	for i, p := range picks {
		fresh, ok := told.place[toldKey(row{&t, b, int(p.row)})]
		if !ok {
			continue
		}
		if fresh.src++; from.compare(p, fresh, t.all) != 0 {
			picks[i], changed = fresh, changed+1
		}
	}
	return from.gather(l.Mem, t.schema, picks), changed
}
