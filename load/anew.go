package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A withdrawal changes what the answers folded long ago mean, and a row may
// owe itself to a record that is to be left out: it moved there, or vanished
// with it. So the answers of the participant are folded anew from the beginning
// of the log, in a lake of their own, and what comes of it takes the place of
// what is held. That is what a replay of everything would come to.

// A part of the log is the answers of some participants before a position; zero:
// all of them.
type part struct {
	participants map[string]bool // nil: everybody
	until        raw.Position
}

// partOf is the answers of participants before a position.
func partOf(participants []string, until raw.Position) part {
	p := part{make(map[string]bool, len(participants)), until}
	for _, id := range participants {
		p.participants[id] = true
	}
	return p
}

func (p part) has(e raw.Entry) bool { return p.participants == nil || p.participants[e.ParticipantID] }

func (p part) ends(e raw.Entry) bool {
	return p.until != (raw.Position{}) && e.Position.Compare(p.until) >= 0
}

// recordTables are the tables that answers fill, row by row; glucose is made
// of them.
func recordTables() []shape { return shapesOf(transform.Record, transform.Version, transform.Appended) }

// refold folds a part of the log into a lake of its own, in one pass over it,
// without what was recorded from participants' cuts on, nor any answer of somebody who was
// erased. The caller closes the lake.
func (l *Loader) refold(ctx context.Context, of part, without map[string]time.Time) (*lake.Scratch, error) {
	scratch, err := l.Lake.Scratch(ctx)
	if err != nil || of.participants != nil && len(of.participants) == 0 {
		return scratch, err
	}
	study := Study{Connections: l.connections, Erased: slices.Collect(maps.Keys(l.erased))} // whose account lacks a record matters
	for participant := range of.participants {
		if cut, ok := without[participant]; ok {
			study.Withdrawals = append(study.Withdrawals, Withdrawal{participant, cut, cut})
		}
	}
	own := *l
	own.Lake, own.part, own.Quarantine, own.Committed, own.Logger = scratch.Lake, of, nil, nil, slog.New(slog.DiscardHandler)
	if _, err := own.Load(ctx, study, "anew"); err != nil {
		return nil, errors.Join(err, scratch.Close())
	}
	return scratch, nil
}

// foldAnew folds the answers of those who have withdrawn anew.
func (s *step) foldAnew(ctx context.Context) (err error) {
	if len(s.study.anew) == 0 {
		return nil
	}
	answers := partOf(s.study.anew, s.parent.LogPosition)
	stays, err := s.loader.refold(ctx, answers, s.loader.cuts)
	if _, damaged := errors.AsType[*raw.DamageError](err); damaged {
		// No answer of somebody who was erased is folded: for them, the log need not be whole.
		kept := slices.DeleteFunc(slices.Clone(s.study.anew), func(id string) bool { return s.loader.erased[id] })
		answers = partOf(kept, s.parent.LogPosition)
		stays, err = s.loader.refold(ctx, answers, s.loader.cuts)
	}
	if err != nil {
		return fmt.Errorf("withdrawals: %w", err)
	}
	defer func() { err = errors.Join(err, stays.Close()) }()
	if err := s.loader.seal(ctx, answers, stays); err != nil {
		return fmt.Errorf("withdrawals: %w", err)
	}
	from, err := sideOf(stays.Lake)
	if err != nil {
		return err
	}
	glucose := s.derivation(from)
	defer glucose.close()
	for _, participant := range s.study.anew {
		changed, err := s.exchangeAll(ctx, participant, from)
		if err == nil {
			err = glucose.participant(ctx, &records{participant: participant}, changed)
		}
		if err != nil {
			return fmt.Errorf("withdrawal of %s: %w", participant, err)
		}
		s.forgetSmall(participant)
	}
	if err := s.tellAnew(ctx, from); err != nil {
		return fmt.Errorf("withdrawals: table requests: %w", err)
	}
	return s.holdSmall(ctx, from)
}

// exchangeAll puts the rows that another snapshot has of a participant in the place
// of those held. It returns the months in which that changes egvs.
func (s *step) exchangeAll(ctx context.Context, participant string, from Side) (changed []monthNo, err error) {
	for _, t := range recordTables() {
		err := eachPartition(ctx, t, participant, s.held(), from, func(partition string, held, fresh []piece) error {
			if s.lost.in(t.Name, partition, participant) {
				return nil
			}
			c, counts := s.replacement(t, held, fresh)
			c.participant = participant
			s.edit(t.Name, partition, c)
			if m, err := parseMonth(partition); err == nil && t.Name == "egvs" && (c.adds != nil || c.drops != nil) {
				changed = append(changed, m)
			}
			if counts != (Counts{}) {
				s.counted(t.Name, counts)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	if err := s.daysAnew(ctx, participant, from); err != nil {
		return nil, fmt.Errorf("table %s: %w", daysTable, err)
	}
	return changed, nil
}

// eachPartition calls do with the rows that two snapshots have of a participant in
// a table, partition by partition, leaving out those of damaged files.
func eachPartition(ctx context.Context, t shape, participant string, a, b Side, do func(partition string, a, b []piece) error) error {
	ofA, ofB := whole(a.Manifest.TableFiles(t.Name)), whole(b.Manifest.TableFiles(t.Name))
	for _, name := range partitionsOf(ofA, ofB) {
		in, err := participantRows(ctx, a.Lake, partition(slices.Clone(ofA), name), participant)
		if err != nil {
			return err
		}
		with, err := participantRows(ctx, b.Lake, partition(slices.Clone(ofB), name), participant)
		if err == nil {
			err = do(name, in, with)
		}
		releasePieces(in)
		releasePieces(with)
		if err != nil {
			return err
		}
	}
	return nil
}

// replacement is the change that makes fresh rows of held ones, of one
// participant.
func (s *step) replacement(t shape, held, fresh []piece) (c change, counts Counts) {
	gone, come := unequal(t, held, fresh)
	keys := make(map[string]bool, len(come))
	for _, p := range come {
		keys[t.keyOf(fresh[p.src].rows, int(p.row))] = true
	}
	for _, p := range gone {
		c.drop(held[p.src], int(p.row))
		replaced := keys[t.keyOf(held[p.src].rows, int(p.row))]
		counts.Changed += bit(replaced)
		counts.Removed += bit(!replaced)
	}
	for _, places := range c.drops {
		slices.Sort(places)
	}
	if len(come) > 0 {
		c.adds = batchesOf(fresh).gather(s.loader.Mem, t.schema, come)
	}
	counts.Added = len(come) - counts.Changed
	return c, counts
}

// unequal returns the rows of a that are not in b, and those of b that are not
// in a, each in the table's order. Equal rows are equal in every column.
func unequal(t shape, a, b []piece) (onlyA, onlyB []pick) {
	columns := slices.Concat(t.order, t.except(t.Order...))
	aRows, bRows := batchesOf(a), batchesOf(b)
	as, bs := aRows.picks(nil), bRows.picks(nil)
	aRows.sort(as, columns)
	bRows.sort(bs, columns)
	for len(as) > 0 && len(bs) > 0 {
		switch d := compareRows(aRows[as[0].src], int(as[0].row), bRows[bs[0].src], int(bs[0].row), columns); {
		case d < 0:
			onlyA, as = append(onlyA, as[0]), as[1:]
		case d > 0:
			onlyB, bs = append(onlyB, bs[0]), bs[1:]
		default:
			as, bs = as[1:], bs[1:]
		}
	}
	return append(onlyA, as...), append(onlyB, bs...)
}

func batchesOf(pieces []piece) sources {
	batches := make(sources, len(pieces))
	for i, p := range pieces {
		batches[i] = p.rows
	}
	return batches
}

// participantRows returns the rows of one participant. The caller releases them.
func participantRows(ctx context.Context, l *lake.Lake, files []lake.File, participant string) ([]piece, error) {
	sw := newSweep(l, files, lake.ReadOptions{To: participant})
	defer sw.close()
	return sw.take(ctx, participant, func(lake.File) bool { return true })
}

// partitionsOf returns the partitions that any of files is in, in their order.
func partitionsOf(files ...[]lake.File) []string {
	seen := make(map[string]bool)
	for _, f := range slices.Concat(files...) {
		seen[f.Partition] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// keyOf is the key of a row as text.
func (s shape) keyOf(b arrow.RecordBatch, row int) string {
	return string(s.appendRow(nil, b, row, s.key))
}
