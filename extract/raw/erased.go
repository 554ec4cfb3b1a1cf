package raw

import (
	"errors"
	"fmt"
	"os"
)

// An ErasedError says that an answer was of somebody who was erased: that something was
// asked is all that is left of it.
type ErasedError struct{ Position Position }

func (e *ErasedError) Error() string {
	return fmt.Sprintf("raw log entry %s: it was erased", e.Position)
}

// AsErased is e as it is once it is erased: what is left says that something was asked,
// what kind of thing and why, when and in which run. Whose it was, through which account,
// and all that was said are gone.
func (e Entry) AsErased() Entry {
	h := e.Header
	e.Header = Header{
		RequestID: h.RequestID, RunID: h.RunID, Resource: h.Resource, Beat: h.Beat, Status: h.Status, AskedAt: h.AskedAt, ServerDate: h.ServerDate,
	}
	e.Erased = true
	return e
}

// replacedPlain finds the entry in f, a segment as received in which answers were erased
// since e was read; false: e is none of them, and lies where it lay.
func (e Entry) replacedPlain(f *os.File) (Entry, bool, error) {
	head := make([]byte, prefixLen)
	if _, err := f.ReadAt(head, e.Position.Offset); err != nil {
		return e, false, wrap(err)
	}
	if p, ok := parsePrefix(head); ok && p.magic == erasedMagic {
		return e.AsErased(), true, nil
	}
	return e, false, nil
}

// packedWithin is PlainWithin in a compacted segment. Where answers were erased since e
// was read, its body lies elsewhere.
func (e Entry) packedWithin(limit int64) ([]byte, error) {
	body, err := e.packed.plain(e, limit)
	if _, damaged := errors.AsType[*DamageError](err); !damaged {
		return body, err
	}
	f, openErr := os.Open(e.path)
	if openErr != nil {
		return nil, err
	}
	defer f.Close()
	if versionOf(f) != versionCompactedErased {
		return nil, err
	}
	now, found, findErr := e.replaced(f)
	switch {
	case findErr != nil || !found:
		return nil, err
	case now.Erased:
		return nil, &ErasedError{e.Position}
	}
	return now.packed.plain(now, limit)
}
