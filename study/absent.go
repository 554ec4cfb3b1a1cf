package study

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// An Absence is what was found of somebody of whom nothing but the name should be there.
type Absence struct {
	ParticipantID string
	Files         int // looked into
	Found         []Trace
	Beside        []string // files of the study folder that are neither lake nor state and have the name
	Known         bool     // the roster or the audit trail has the name
	Erased        bool     // an erasure was begun
}

// A Trace is where somebody still is.
type Trace struct {
	Path  string // from the study folder, if it is in there
	Where string // in the file, in words
	Count int
}

// A PresentError says that somebody is not absent.
type PresentError struct{ Absence }

func (e *PresentError) Error() string {
	const most = 5
	var words []string
	for _, t := range e.Found[:min(most, len(e.Found))] {
		words = append(words, fmt.Sprintf("%s (%s)", t.Path, t.Where))
	}
	more := ""
	if n := len(e.Found) - most; n > 0 {
		more = fmt.Sprintf(" and in %d more places", n)
	}
	return fmt.Sprintf("%s is in %s%s", e.ParticipantID, strings.Join(words, ", "), more)
}

// Absent looks for a participant in every file of the lake and of the state: all texts of
// Parquet files, their dictionaries and statistics, the answers of the raw log, manifests,
// what snapshots hold beside, all rows of the state and what lies between them, the audit
// trail, pages about runs. It compares whole values, not parts of them. That the roster, the withdrawals,
// the erasures and the audit trail have the name, and nothing with it, is as it should
// be, and so are receipts. Other files of the study folder that have it are people's own.
func (s *Study) Absent(ctx context.Context, participant string) (Absence, error) {
	a := &absence{study: s, id: participant, seen: map[string]bool{}, out: Absence{ParticipantID: participant}}
	for _, look := range []func(context.Context) error{a.inLog, a.inLake, a.inState, a.inRunPages, a.beside} {
		if err := look(ctx); err != nil {
			return a.out, err
		}
	}
	slices.SortFunc(a.out.Found, func(x, y Trace) int { return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Where, y.Where)) })
	return a.out, nil
}

// An absence is one that is being looked into.
type absence struct {
	study *Study
	id    string
	seen  map[string]bool // files by what they are on disk: links are one
	out   Absence
}

func (a *absence) found(path, where string, count int) {
	if short, err := filepath.Rel(a.study.Dir, path); err == nil && filepath.IsLocal(short) {
		path = short
	}
	i := slices.IndexFunc(a.out.Found, func(t Trace) bool { return t.Path == path && t.Where == where })
	if i < 0 {
		a.out.Found = append(a.out.Found, Trace{path, where, count})
		return
	}
	a.out.Found[i].Count += count
}

// telling reports whether the id cannot be taken for a number: then it is looked for where
// any text may stand, else where participants are named.
func (a *absence) telling() bool { return strings.Trim(a.id, "0123456789") != "" }

// named reports whether text is the id or, if that is telling, has it as a word.
func (a *absence) named(text []byte) bool {
	if string(text) == a.id {
		return true
	}
	if !a.telling() {
		return false
	}
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(a.id))
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(a.id)
		if (start == 0 || !inID(text[start-1])) && (end == len(text) || !inID(text[end])) {
			return true
		}
		from = start + 1
	}
}

// inID reports whether a byte may be part of an id.
func inID(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// inLog looks into the raw log: whose the answers are, and that nothing is left of those
// that were erased.
func (a *absence) inLog(ctx context.Context) error {
	if _, err := os.Stat(a.study.RawPath()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	log, err := raw.Open(a.study.RawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	for e, err := range log.Entries(raw.Position{}) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if e.ParticipantID == a.id {
			a.found(e.Path(), "answers", 1)
		}
	}
	left, err := log.Leftovers(ctx)
	for _, path := range left {
		a.found(path, "bytes of erased answers", 1)
	}
	return err
}

// inState looks into the state: its rows, the room between them, the trail, the rest.
func (a *absence) inState(ctx context.Context) error {
	for _, look := range []func(context.Context) error{a.inRows, a.inTrail, a.unfinished, a.inFreeSpace, a.inStateFiles} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// inTrail looks for lines that say more than that they were about the participant.
func (a *absence) inTrail(ctx context.Context) error {
	lines, err := a.study.Store.Trail(ctx)
	if err != nil && !is[*state.AuditError](err) {
		return err
	}
	a.out.Files++
	for _, l := range lines {
		says := []byte(l.Before + "\n" + l.After + "\n" + l.Reason)
		a.out.Known = a.out.Known || l.ParticipantID == a.id
		about := l.ParticipantID == a.id && l.Subject != state.ErasureSubject && len(says) > 2
		if about || a.named(says) {
			a.found(filepath.Join(a.study.StatePath(), state.AuditFile), fmt.Sprintf("line %d", l.Seq), 1)
		}
	}
	return nil
}

// unfinished says where something may be left that is not found as text: an erasure goes on
// until there is its receipt, and what was deleted may be in pages of the write-ahead log.
func (a *absence) unfinished(ctx context.Context) error {
	e, err := a.study.Cohort.Erasure(ctx, a.id)
	if err != nil {
		return err
	}
	a.out.Erased = e.Stage != ""
	if e.Stage != "" && e.Stage != cohort.Erased {
		a.found(filepath.Join(a.study.StatePath(), stateFile), "an erasure that is not finished", 1)
	}
	due, err := a.study.Store.ScrubDue(ctx)
	if due {
		a.found(filepath.Join(a.study.StatePath(), stateFile+"-wal"), "deleted rows that are not wiped yet", 1)
	}
	return err
}

// inFreeSpace looks for what was deleted and is not wiped. An id that is a part of another
// one is not it.
func (a *absence) inFreeSpace(ctx context.Context) error {
	people, err := a.study.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	a.out.Known = a.out.Known || slices.ContainsFunc(people, func(p cohort.Participant) bool { return p.ID == a.id })
	return state.FreeSpace(a.study.StatePath(), func(file string, b []byte) {
		for _, p := range people {
			if p.ID != a.id && strings.Contains(p.ID, a.id) {
				b = bytes.ReplaceAll(b, []byte(p.ID), nil)
			}
		}
		if n := bytes.Count(b, []byte(a.id)); n > 0 {
			a.found(filepath.Join(a.study.StatePath(), file), "bytes of deleted rows", n)
		}
	})
}

// inStateFiles looks for what else lies in the folder of the state, but for receipts.
func (a *absence) inStateFiles(ctx context.Context) error {
	root := a.study.StatePath()
	return a.walk(ctx, root, func(path string, _ fs.DirEntry) error {
		switch rel, _ := filepath.Rel(root, path); {
		case strings.HasPrefix(rel, "receipts"+string(filepath.Separator)),
			rel == stateFile, rel == stateFile+"-wal", rel == stateFile+"-shm", rel == state.AuditFile, rel == "reserve":
			return nil
		}
		return a.inBytes(path)
	})
}

// walk goes through the files below a folder, each once however many names it has. A name
// that is the participant's is a find.
func (a *absence) walk(ctx context.Context, root string, do func(path string, e fs.DirEntry) error) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if slices.Contains(strings.Split(e.Name(), "."), a.id) {
			a.found(path, "its name", 1)
		}
		if !e.Type().IsRegular() || a.again(e) {
			return nil
		}
		a.out.Files++
		return do(path, e)
	})
}

// inBytes looks for the id as a word in a file of no form that is known here.
func (a *absence) inBytes(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && a.telling() && a.named(content) {
		a.found(path, "its text", 1)
	}
	return err
}
