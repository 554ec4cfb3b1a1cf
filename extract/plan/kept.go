package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/dexetl/dexetl/extract/raw"
)

// A Cache keeps the index of the log from one process to the next. What it has may
// be of any age, of another log, or damaged: it is checked before it is used.
type Cache interface {
	Load() ([]byte, error) // nil: nothing is kept
	Store(content []byte) error
}

// A kept index is the index as bytes:
//
//	magic, format · what tells whether it fits the log · the index · SHA-256 of all
//
// The format rises with every change of what an index says of the same log, also
// where the bytes look the same. One of another format is not read.
const (
	keptMagic  = "dexindex"
	keptFormat = 1
)

// errNotFit says that a kept index is not this log's, or not this program's.
var errNotFit = errors.New("the kept index does not fit")

// OpenIndex returns the index of log: what cache, if there is one, has of it, and what
// came since. Unfit says why all of log was read although something was kept.
func OpenIndex(log *raw.Log, cache Cache) (x *Index, unfit, err error) {
	x = &Index{}
	if cache != nil {
		var content []byte
		if content, unfit = cache.Load(); unfit == nil && content != nil {
			unfit = x.restore(log, content)
		}
	}
	return x, unfit, x.Extend(log)
}

// Keep keeps x in cache if so many entries of log were read since it was kept last, but
// what it has of people of whom nothing is asked any more.
func (x *Index) Keep(log *raw.Log, cache Cache, after int, without []string) error {
	if err := x.Extend(log); err != nil || x.fresh() < after {
		return err
	}
	x.forget(without)
	content, err := x.keep(log)
	if err != nil {
		return err
	}
	return cache.Store(content)
}

// fresh returns how many entries were read since the index was kept.
func (x *Index) fresh() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.read
}

// keep returns the index as bytes.
func (x *Index) keep(log *raw.Log) ([]byte, error) {
	segments, err := log.Segments()
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	print, err := headerPrint(x.last)
	if err != nil {
		return nil, err
	}
	w := keptWriter{}
	w.bytes = append(w.bytes, keptMagic...)
	w.number(keptFormat)
	w.position(x.position)
	w.position(x.last.Position)
	w.bytes = append(w.bytes, print[:]...)
	w.number(int64(len(segments)))
	for _, s := range segments {
		w.number(s.Bytes)
		w.flag(s.Compacted)
	}
	w.index(x)
	x.read = 0
	sum := sha256.Sum256(w.bytes)
	return append(w.bytes, sum[:]...), nil
}

// restore makes x, which is empty, what content keeps of log. If that does not fit
// the log x stays empty, and the error is errNotFit or what kept us from looking.
func (x *Index) restore(log *raw.Log, content []byte) error {
	n := len(content) - sha256.Size
	if n < 0 || !bytes.HasPrefix(content, []byte(keptMagic)) {
		return fmt.Errorf("%w: it is none", errNotFit)
	}
	if sha256.Sum256(content[:n]) != [sha256.Size]byte(content[n:]) {
		return fmt.Errorf("%w: its checksum does not match", errNotFit)
	}
	r := keptReader{bytes: content[len(keptMagic):n]}
	if format := r.number(); format != keptFormat {
		return fmt.Errorf("%w: it has format %d", errNotFit, format)
	}
	position, last := r.position(), r.position()
	print := [sha256.Size]byte(r.take(sha256.Size))
	segments := make([]raw.Segment, r.count())
	for i := range segments {
		segments[i] = raw.Segment{Bytes: r.number(), Compacted: r.flag()}
	}
	kept := r.index()
	if r.broken {
		return fmt.Errorf("%w: it breaks off", errNotFit)
	}
	e, err := entryAt(log, last)
	if err != nil {
		return err
	}
	if now, err := headerPrint(e); err != nil || now != print || e.Next != position {
		return errors.Join(err, fmt.Errorf("%w: another answer stands at %s", errNotFit, last))
	}
	if err := sameSegments(log, segments); err != nil {
		return err
	}
	readShown(log, maps.Values(kept.held))
	x.mu.Lock()
	defer x.mu.Unlock()
	x.position, x.last, x.held, x.volumes = position, e, kept.held, kept.volumes
	return nil
}

// headerPrint is what tells an entry from others at the same position.
func headerPrint(e raw.Entry) ([sha256.Size]byte, error) {
	text, err := json.Marshal(e.Header)
	return sha256.Sum256(text), err
}

// sameSegments makes sure that the closed segments of the log are those it had, or
// were compacted since: one that was cut or replaced has to be read, so that what is
// wrong with it is found.
func sameSegments(log *raw.Log, then []raw.Segment) error {
	now, err := log.Segments()
	if err != nil {
		return err
	}
	if len(now) < len(then) {
		return fmt.Errorf("%w: the log had %d segments, and has %d", errNotFit, len(then), len(now))
	}
	for i, s := range then[:max(0, len(then)-1)] {
		compacted := now[i].Compacted && !s.Compacted
		if !compacted && (now[i].Compacted != s.Compacted || now[i].Bytes != s.Bytes) {
			return fmt.Errorf("%w: segment %d is not what it was", errNotFit, i+1)
		}
	}
	return nil
}
