package raw

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"slices"
)

// Leftovers lists the closed segments that have more of an erased answer than what Erase
// leaves: bytes where its body was, or content of which no other answer consists.
func (l *Log) Leftovers(ctx context.Context) (paths []string, err error) {
	_, list, err := l.end()
	if err != nil {
		return nil, err
	}
	for _, s := range list[:max(0, len(list)-1)] {
		found, err := l.leftIn(s)
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return paths, err
		}
		if found {
			paths = append(paths, s.path)
		}
	}
	return paths, nil
}

func (l *Log) leftIn(s segment) (bool, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return false, wrap(err)
	}
	defer f.Close()
	v := versionOf(f)
	if v < versionErased {
		return false, nil
	}
	entries, err := l.closedEntries(f, s.number)
	if err != nil {
		return false, err
	}
	if v == versionCompactedErased {
		return unusedContent(entries), nil
	}
	for _, e := range entries {
		if !e.Erased {
			continue
		}
		body, err := e.stored(f)
		if err != nil || len(bytes.Trim(body, "\x00")) > 0 {
			return true, err
		}
	}
	return false, nil
}

// unusedContent reports whether a span has content that no body consists of.
func unusedContent(entries []Entry) bool {
	if len(entries) == 0 {
		return false
	}
	used := make([][]run, len(entries[0].packed.spans))
	for _, e := range entries {
		if e.packed.span > 0 {
			used[e.packed.span-1] = append(used[e.packed.span-1], e.packed.runs...)
		}
	}
	for i, s := range entries[0].packed.spans {
		slices.SortFunc(used[i], func(a, b run) int { return cmp.Compare(a.start, b.start) })
		end := int64(0)
		for _, r := range used[i] {
			if r.start > end {
				return true
			}
			end = max(end, r.start+r.length)
		}
		if end < s.plain {
			return true
		}
	}
	return false
}
