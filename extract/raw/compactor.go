package raw

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// spanSize is how much content is compressed as one, and a body more. A reader
// has it in memory to get at any body in it.
const spanSize = 32 << 20

// A compactor writes one compacted segment.
type compactor struct {
	log     *Log
	file    *os.File
	encoder *zstd.Encoder
	segment compacted
	entries []Entry
	bodies  [][sha256.Size]byte // digests of the plain bodies kept
	dropped int
	packer  *packer
	size    int64 // written so far
}

// newCompactor begins the segment number at path that will stand for old.
func (l *Log) newCompactor(path string, old *os.File, number uint64) (_ *compactor, err error) {
	w := &compactor{log: l, segment: compacted{log: l, path: path}, packer: newPacker()}
	if w.segment.original.sha256, w.segment.original.length, err = digestOf(old); err != nil {
		return nil, err
	}
	version := uint32(versionCompacted)
	if versionOf(old) == versionErased {
		version = versionCompactedErased
	}
	return w, w.begin(path, number, version)
}

// begin makes the file at path.
func (w *compactor) begin(path string, number uint64, version uint32) (err error) {
	if w.encoder, err = w.log.compressor(); err != nil {
		return wrap(err)
	}
	if w.file, err = createAnew(path); err != nil {
		return err
	}
	if err := w.write(segmentHead(version, number)); err != nil {
		return errors.Join(err, w.file.Close())
	}
	return nil
}

// createAnew creates the file at path, in the place of what a process left that died, or
// of a link.
func createAnew(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, wrap(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return f, wrap(err)
}

func newCompressor() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
}

// addAll takes over the entries of the segment old.
func (w *compactor) addAll(ctx context.Context, old *os.File, number uint64, fate func(Entry) Fate) error {
	scan, err := newScanner(old, number, false, 0, w.segment.original.length)
	for err == nil {
		var e Entry
		if e, err = scan.next(); err != nil {
			break
		}
		e.log = w.log
		if err = w.add(e, fate(e)); err == nil {
			err = ctx.Err()
		}
	}
	if err != io.EOF {
		return err
	}
	return w.closeSpan()
}

// add takes over one entry. Its body is read even if it is to be dropped: what
// is damaged stays for people to look at.
func (w *compactor) add(e Entry, fate Fate) error {
	if head, err := json.Marshal(e.Header); err != nil || checksum(head) != e.headCRC {
		return errors.Join(err, fmt.Errorf("entry %s: its header has something this program does not know: use a newer dexetl", e.Position))
	}
	return w.take(e, fate)
}

// take is add of an entry whose header can be written as it is.
func (w *compactor) take(e Entry, fate Fate) error {
	if e.Erased {
		e.packed = &packed{span: erasedSpan}
		w.entries, w.bodies = append(w.entries, e), append(w.bodies, [sha256.Size]byte{})
		return nil
	}
	body, err := e.Plain()
	if err != nil {
		return err
	}
	e.packed = &packed{rejected: int64(fate.Rejected)}
	if fate.Drop {
		w.dropped++
	} else {
		e.packed = &packed{span: int64(len(w.segment.spans)) + 1, crc: checksum(body), runs: w.packer.add(body)}
	}
	w.entries, w.bodies = append(w.entries, e), append(w.bodies, sha256.Sum256(body))
	if int64(len(w.packer.content)) < w.log.spanSize {
		return nil
	}
	return w.closeSpan()
}

// closeSpan writes the span in hand.
func (w *compactor) closeSpan() error {
	content := w.packer.content
	if !w.packer.used {
		return nil
	}
	stored := w.encoder.EncodeAll(takeIDs(content), nil)
	w.segment.spans = append(w.segment.spans, span{w.size, int64(len(stored)), int64(len(content)), checksum(stored)})
	w.packer = newPacker()
	return w.write(stored)
}

// finish writes the index and the foot and makes the file durable.
func (w *compactor) finish() error {
	index := w.encoder.EncodeAll(w.segment.appendIndex(nil, w.entries), nil)
	foot := append(make([]byte, 0, footLen), footMagic...)
	foot = binary.LittleEndian.AppendUint64(foot, uint64(w.size))
	foot = binary.LittleEndian.AppendUint32(foot, uint32(len(index)))
	foot = binary.LittleEndian.AppendUint32(foot, checksum(index))
	if err := w.write(append(index, summed(foot)...)); err != nil {
		return err
	}
	return wrap(w.log.Fsync(w.file))
}

func (w *compactor) write(b []byte) error {
	n, err := w.file.Write(b)
	w.size += int64(n)
	return wrap(err)
}

// verify reads the file back and compares it with what it was made from.
func (w *compactor) verify(ctx context.Context, number uint64) error {
	entries, err := w.log.readCompacted(w.file, number)
	if err != nil {
		return err
	}
	if len(entries) != len(w.entries) {
		return fmt.Errorf("read back: %d entries in place of %d", len(entries), len(w.entries))
	}
	for i, e := range entries {
		if err := cmp.Or(ctx.Err(), w.same(e, i)); err != nil {
			return err
		}
	}
	return nil
}

// same compares e as read back with the entry that it stands for.
func (w *compactor) same(e Entry, i int) error {
	was := w.entries[i]
	differs := fmt.Errorf("read back: entry %s is not what it was", was.Position)
	head, err := json.Marshal(e.Header)
	switch {
	case err != nil:
		return fmt.Errorf("read back: entry %s: %w", was.Position, err)
	case checksum(head) != was.headCRC || e.Position != was.Position || e.Next != was.Next || e.Erased != was.Erased:
		return differs
	case e.Erased:
		return nil
	}
	body, err := e.Plain()
	dropped, isDropped := errors.AsType[*DroppedError](err)
	switch {
	case isDropped && was.packed.span == 0 && int64(dropped.Rejected) == was.packed.rejected:
		return nil
	case isDropped:
		return differs
	case err != nil:
		return fmt.Errorf("read back: entry %s: %w", was.Position, err)
	case sha256.Sum256(body) != w.bodies[i]:
		return differs
	}
	return nil
}
