package raw

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json"

	"github.com/dexetl/dexetl/extract/fault"
)

// An ErasedSegment says what became of a segment in which answers were erased.
type ErasedSegment struct {
	Number        uint64
	Path          string
	Answers       int    // erased now
	Before, After string // SHA-256 of the file, hex
}

// Erase overwrites every answer of a participant in the log: of its header only stays
// what says that something was asked, and nothing of its body. Answers of others stay
// byte for byte, and all positions. Segments without any are left alone.
//
// A segment is replaced in one step, durably, after it was read back; note, if it is not
// nil, is told of it before. Interrupted anywhere, it can be repeated. Only one process
// may erase or compact at a time.
//
// A damaged body stays as it is if its header says that it is another's. A segment in which
// nobody can tell whose the damage is stays as it is, and all others are erased: then each
// *DamageError is in the error.
func (l *Log) Erase(ctx context.Context, participant string, note func(ErasedSegment) error) ([]ErasedSegment, error) {
	harm, err := unlessDamaged(l.rollFor(participant))
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	_, list, err := l.allSegments()
	if err != nil {
		return nil, err
	}
	missing, err := unlessDamaged(numbered(list))
	if err != nil {
		return nil, err
	}
	harm = errors.Join(harm, missing)
	var done []ErasedSegment
	for _, s := range list[:max(0, len(list)-1)] { // the last one has none, or is damaged
		if err := ctx.Err(); err != nil {
			return done, err
		}
		one, err := l.eraseIn(ctx, s, participant, note)
		damaged, err := unlessDamaged(err)
		if err != nil {
			return done, fmt.Errorf("erase in segment %d: %w", s.number, err)
		}
		harm = errors.Join(harm, damaged)
		if one.Answers > 0 {
			done = append(done, one)
		}
		// What a process left that died while it compacted may hold bodies.
		if err := sweepBeside(s.path); err != nil {
			return done, err
		}
	}
	return done, harm
}

// unlessDamaged tells damage to the log from other errors.
func unlessDamaged(err error) (harm, other error) {
	if _, ok := errors.AsType[*DamageError](err); ok {
		return err, nil
	}
	return nil, err
}

const (
	compactingSuffix = ".compacting"
	erasingSuffix    = ".erasing"
)

// sweepBeside removes what was to take a segment's place and never did.
func sweepBeside(path string) error {
	for _, suffix := range []string{compactingSuffix, erasingSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrap(err)
		}
	}
	return nil
}

// rollFor closes the last segment if an answer of the participant is in it: a segment
// that others append to is not replaced.
func (l *Log) rollFor(participant string) error {
	return l.inTurn(func() error {
		t := &l.tail
		if t.file == nil || t.end <= segmentHeaderLen {
			return nil
		}
		scan, err := newScanner(t.file, t.number, true, 0, t.end)
		for err == nil {
			var e Entry
			if e, err = scan.next(); err == nil && e.ParticipantID == participant {
				return l.roll(e.AskedAt)
			}
		}
		if err == io.EOF {
			err = nil
		}
		return err
	})
}

// eraseIn replaces a closed segment, if an answer of the participant is in it.
func (l *Log) eraseIn(ctx context.Context, s segment, participant string, note func(ErasedSegment) error) (done ErasedSegment, err error) {
	old, err := os.Open(s.path)
	if err != nil {
		return done, wrap(err)
	}
	defer old.Close()
	entries, err := l.closedEntries(old, s.number)
	if err != nil {
		return done, err
	}
	done = ErasedSegment{Number: s.number, Path: s.path}
	for i := range entries {
		if entries[i].ParticipantID == participant {
			entries[i] = entries[i].AsErased()
			done.Answers++
		}
	}
	if done.Answers == 0 {
		return done, nil
	}
	temporary := s.path + erasingSuffix
	defer os.Remove(temporary)
	write := l.erasePlain
	if isCompacted(old) {
		write = l.eraseCompacted
	}
	if err := write(ctx, temporary, old, s.number, entries); err != nil {
		return done, err
	}
	if done.Before, done.After, err = digests(old, temporary); err != nil {
		return done, err
	}
	fault.Point("raw.erasing")
	if note != nil {
		if err := note(done); err != nil {
			return done, err
		}
	}
	fault.Point("raw.erasure_noted")
	if err := l.replace(temporary, s.path); err != nil {
		return done, err
	}
	fault.Point("raw.erased")
	return done, nil
}

// digests are the SHA-256 of two files.
func digests(old *os.File, path string) (before, after string, err error) {
	sum, _, err := digestOf(old)
	if err != nil {
		return "", "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", wrap(err)
	}
	defer f.Close()
	now, _, err := digestOf(f)
	return fmt.Sprintf("%x", sum), fmt.Sprintf("%x", now), err
}

// closedEntries are the entries of a closed segment.
func (l *Log) closedEntries(f *os.File, number uint64) (all []Entry, err error) {
	if isCompacted(f) {
		return l.readCompacted(f, number)
	}
	size, err := fileSize(f)
	if err != nil {
		return nil, err
	}
	scan, err := newScanner(f, number, false, 0, size)
	for err == nil {
		var e Entry
		if e, err = scan.next(); err == nil {
			e.log = l
			all = append(all, e)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return all, err
}

// eraseCompacted writes a compacted segment at path that is old without what is erased.
// What others have in common with an erased body is packed anew.
func (l *Log) eraseCompacted(ctx context.Context, path string, old *os.File, number uint64, entries []Entry) error {
	was, err := l.readCompacted(old, number)
	if err != nil {
		return err
	}
	w := &compactor{log: l, segment: compacted{log: l, path: path}, packer: newPacker()}
	if len(was) > 0 {
		w.segment.original = was[0].packed.original
	}
	if err := w.begin(path, number, versionCompactedErased); err != nil {
		return err
	}
	defer w.file.Close()
	for _, e := range entries {
		head, err := json.Marshal(e.Header)
		if err != nil {
			return wrap(err)
		}
		e.headCRC = checksum(head)
		if err := cmp.Or(ctx.Err(), w.keep(e)); err != nil {
			return err
		}
	}
	if err := w.closeSpan(); err != nil {
		return err
	}
	if err := w.finish(); err != nil {
		return err
	}
	return w.verify(ctx, number)
}

// keep takes over an entry of a compacted segment, with or without its body.
func (w *compactor) keep(e Entry) error {
	fate := Fate{}
	if !e.Erased && e.packed.span == 0 {
		e.packed = &packed{rejected: e.packed.rejected}
		w.dropped++
		w.entries, w.bodies = append(w.entries, e), append(w.bodies, [32]byte{})
		return nil
	}
	return w.take(e, fate)
}

// erasePlain writes a segment at path that is old with some of its entries erased.
func (l *Log) erasePlain(ctx context.Context, path string, old *os.File, number uint64, entries []Entry) error {
	f, err := createAnew(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := l.copyErased(ctx, f, old, number, entries); err != nil {
		return err
	}
	if err := l.Fsync(f); err != nil {
		return wrap(err)
	}
	return l.sameButErased(f, old, number, entries)
}

func (l *Log) copyErased(ctx context.Context, to, old *os.File, number uint64, entries []Entry) error {
	if _, err := to.Write(segmentHead(versionErased, number)); err != nil {
		return wrap(err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		var b []byte
		var err error
		if e.Erased {
			b, err = erasedEntry(e)
		} else {
			b = make([]byte, e.Next.Offset-e.Position.Offset)
			_, err = old.ReadAt(b, e.Position.Offset)
		}
		if err == nil {
			_, err = to.Write(b)
		}
		if err != nil {
			return wrap(err)
		}
	}
	_, err := to.Write(prefix{magic: endMagic}.append(nil))
	return wrap(err)
}

// erasedEntry is an erased entry, as long as it was: zeros are where the body was, and
// the end of the header.
func erasedEntry(e Entry) ([]byte, error) {
	head, err := json.Marshal(e.Header)
	if err != nil {
		return nil, err
	}
	room := e.Next.Offset - e.Position.Offset - prefixLen - int64(len(head))
	if room < 0 {
		return nil, fmt.Errorf("entry %s has no room to be erased", e.Position)
	}
	zeros := make([]byte, room)
	b := prefix{erasedMagic, uint32(len(head)), uint32(room), checksum(head), checksum(zeros)}.append(nil)
	return append(append(b, head...), zeros...), nil
}

// sameButErased reads a segment back and compares it with what it is to be: answers of others
// byte for byte, so that one that was damaged is as damaged as before.
func (l *Log) sameButErased(f, old *os.File, number uint64, entries []Entry) error {
	now, err := l.closedEntries(f, number)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if len(now) != len(entries) {
		return fmt.Errorf("read back: %d entries in place of %d", len(now), len(entries))
	}
	for i, e := range now {
		was := entries[i]
		same := false
		if e.Position == was.Position && e.Next == was.Next && e.Erased == was.Erased {
			if same, err = sameBytes(e, f, old); err != nil {
				return fmt.Errorf("read back: %w", err)
			}
		}
		if !same {
			return fmt.Errorf("read back: entry %s is not what it was", was.Position)
		}
	}
	return nil
}

// sameBytes reports whether an entry's body is zeros, if it is erased, or else all of the
// entry is what it was.
func sameBytes(e Entry, now, before *os.File) (bool, error) {
	if e.Erased {
		body, err := e.stored(now)
		return len(bytes.Trim(body, "\x00")) == 0, err
	}
	is, was := make([]byte, e.Next.Offset-e.Position.Offset), make([]byte, e.Next.Offset-e.Position.Offset)
	if _, err := now.ReadAt(is, e.Position.Offset); err != nil {
		return false, err
	}
	_, err := before.ReadAt(was, e.Position.Offset)
	return bytes.Equal(is, was), err
}
