package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// erasedOutcome is the outcome of requests of which no more is known than that they were
// made.
const erasedOutcome = "erased"

// An ErasedFile is a data file that held rows of somebody, and the one that has what it
// held of others.
type ErasedFile struct {
	Table, Path, SHA256 string
	Rows                int    // of the participant
	NewPath, NewSHA256  string // empty: it held no other row
}

// An Erasing takes one participant out of snapshots.
type Erasing struct {
	Lake   *lake.Lake
	Loader *Loader // has the memory, and the program's name

	// Note, if set, is told before each commit which files have been rewritten.
	Note func([]ErasedFile) error

	participant string
	done        map[string]rewritten // by path
}

// A rewritten file is what became of one.
type rewritten struct {
	file     lake.File
	what     ErasedFile
	requests []string // ids
}

// Erase begins to take a participant out of snapshots of the lake. The load lock is held.
func (l *Loader) Erase(participant string) *Erasing {
	l = l.withDefaults()
	return &Erasing{Lake: l.Lake, Loader: l, participant: participant, done: make(map[string]rewritten)}
}

// Files are those that Without has rewritten so far, by path.
func (e *Erasing) Files() (all []ErasedFile) {
	for _, r := range e.done {
		if r.what.Rows > 0 {
			all = append(all, r.what)
		}
	}
	slices.SortFunc(all, func(a, b ErasedFile) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// mayHold reports whether a file may have rows of the participant.
func (e *Erasing) mayHold(f lake.File) bool {
	return f.FirstParticipant <= e.participant && e.participant <= f.LastParticipant
}

// Without makes the files of a commit those of m without the participant, and returns
// what m says beside its files, without them. Tables of the study that all say the
// same are left to the next load, but for those of an older snapshot: see study. A file
// that is damaged and may have rows of them is a *lake.DamageError.
func (e *Erasing) Without(ctx context.Context, c *lake.Commit, m lake.Manifest, study bool) (lake.Manifest, error) {
	var requests []string
	for _, f := range m.Files {
		t, ok := transform.TableNamed(f.Table)
		if !ok || t.Kind == transform.Study && !study || !e.mayHold(f) {
			continue
		}
		r, err := e.rewrite(ctx, c, f)
		if err != nil {
			return m, err
		}
		requests = append(requests, r.requests...)
		if r.what.Rows > 0 {
			c.Replace([]lake.File{f}, r.file)
		}
	}
	slices.Sort(requests)
	m.Held = slices.DeleteFunc(slices.Clone(m.Held), func(h lake.HeldAnswer) bool {
		_, erased := slices.BinarySearch(requests, h.RequestID)
		return erased
	})
	return m, nil
}

// Commit makes the newest snapshot one without the participant, if they are in it. It
// reports whether that took a commit.
func (e *Erasing) Commit(ctx context.Context, runID string) (lake.Manifest, bool, error) {
	parent, err := e.Lake.Current()
	if err != nil || parent.Snapshot == 0 {
		return parent, false, err
	}
	c := e.Lake.Begin(parent)
	m, err := e.Without(ctx, c, parent, false)
	if err != nil || len(e.Files()) == 0 && len(m.Held) == len(parent.Held) {
		return parent, false, err
	}
	if err := e.note(); err != nil {
		return parent, false, err
	}
	m.Run, m.Program, m.Tables, m.CreatedAt = runID, e.Loader.Program, parent.VersionsOnTop(), e.Loader.Now().UTC()
	m, err = c.Finish(ctx, m)
	return m, err == nil, err
}

func (e *Erasing) note() error {
	if e.Note == nil {
		return nil
	}
	return e.Note(e.Files())
}

// Reissue puts a manifest without the participant beside an older one, if they are in
// that. It reports whether they were; what names m is to name the new one then.
func (e *Erasing) Reissue(ctx context.Context, m lake.Manifest) (lake.Manifest, bool, error) {
	c := e.Lake.Begin(m)
	left, err := e.Without(ctx, c, m, true)
	if err != nil || len(left.Held) == len(m.Held) && slices.Equal(paths(c.Files()), paths(m.Files)) {
		return m, false, err
	}
	if err := e.note(); err != nil {
		return m, false, err
	}
	m, err = c.Reissue(ctx, left.Held)
	return m, err == nil, err
}

func paths(files []lake.File) (names []string) {
	for _, f := range files {
		names = append(names, f.Path)
	}
	slices.Sort(names)
	return names
}

// rewrite writes a file anew without the participant, once.
func (e *Erasing) rewrite(ctx context.Context, c *lake.Commit, f lake.File) (r rewritten, err error) {
	if r, ok := e.done[f.Path]; ok {
		return r, nil
	}
	if err := e.Lake.CheckSize(f); err != nil {
		return r, err
	}
	if holds, err := e.holds(ctx, f); err != nil || !holds {
		return r, err
	}
	t := shapeNamed(f.Table)
	w, err := c.Create(t.Table, f.Partition, f.Day)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	r.what = ErasedFile{Table: f.Table, Path: f.Path, SHA256: f.SHA256}
	for b, err := range e.Lake.Read(ctx, f, lake.ReadOptions{}) {
		if err != nil {
			return r, err
		}
		err = e.writeOthers(w, t, b, &r)
		b.Release()
		if err != nil {
			return r, err
		}
	}
	if r.what.Rows > 0 {
		if r.file, err = w.Close(); err != nil {
			return r, fmt.Errorf("table %s: %w", f.Table, err)
		}
		r.what.NewPath, r.what.NewSHA256 = r.file.Path, r.file.SHA256
	}
	e.done[f.Path] = r
	return r, nil
}

// holds reports whether a file has rows of the participant that are to go.
func (e *Erasing) holds(ctx context.Context, f lake.File) (bool, error) {
	for b, err := range e.Lake.Read(ctx, f, lake.ReadOptions{From: e.participant, To: e.participant}) {
		if err != nil {
			return false, err
		}
		t := shapeNamed(f.Table)
		found := false
		for at := range int(b.NumRows()) {
			found = found || e.goes(row{&t, b, at})
		}
		b.Release()
		if found {
			return true, nil
		}
	}
	return false, nil
}

// erasureSubject is that of audit lines which say that somebody was erased: they stay.
const erasureSubject = "erasure"

// wasErased reports whether the trail of snapshot m says so of a participant. What cannot
// be read of it is told where it matters.
func (l *Loader) wasErased(ctx context.Context, m lake.Manifest, participantID string) bool {
	lines, _ := l.AuditLines(ctx, m)
	return slices.ContainsFunc(lines, func(a AuditLine) bool {
		return a.Subject == erasureSubject && a.ParticipantID == participantID
	})
}

// goes reports whether a row says more of the participant than an erasure leaves: their
// name, that they have withdrawn, and when they were erased.
func (e *Erasing) goes(r row) bool {
	ids := r.text(r.batch, "participant_id")
	if ids.IsNull(r.at) || ids.Value(r.at) != e.participant {
		return false
	}
	switch r.Name {
	case "participants":
		return r.str("status") != "withdrawn" || r.saysBeside("participant_id", "status")
	case "withdrawals":
		return !r.time("effective_at").Equal(r.time("recorded_at"))
	case "audit":
		return r.str("subject") != erasureSubject && (r.str("before") != "" || r.str("after") != "" || r.str("reason") != "")
	}
	return true
}

// saysBeside reports whether a row has a value in any column but these.
func (r row) saysBeside(columns ...string) bool {
	return slices.ContainsFunc(r.except(columns...), func(c int) bool { return r.batch.Column(c).IsValid(r.at) })
}

// writeOthers writes the rows of a batch that stay, and in the place of those that only
// say that there was something what is left of them.
func (e *Erasing) writeOthers(w *lake.Writer, t shape, b arrow.RecordBatch, r *rewritten) error {
	from := sources{b}
	var picks []pick
	left := e.leaving(t.Name)
	var rest *rows
	if left != nil {
		rest = newRows(e.Loader.Mem, t.Name)
	}
	n := int32(0)
	for at := range int(b.NumRows()) {
		switch {
		case !e.goes(row{&t, b, at}):
			picks = append(picks, pick{0, int32(at)})
			continue
		case left != nil:
			rest.row(left(row{&t, b, at})...)
			picks = append(picks, pick{1, n})
			n++
		}
		r.what.Rows++
		if t.Name == "requests" {
			r.requests = append(r.requests, row{&t, b, at}.str("request_id"))
		}
	}
	if rest != nil {
		of := rest.b.NewRecordBatch() // in the order of the file
		rest.b.Release()
		defer of.Release()
		from.add(of)
	}
	if len(picks) == 0 {
		return nil
	}
	stay := from.gather(e.Loader.Mem, t.schema, picks)
	defer stay.Release()
	return w.Write(stay)
}

// leaving returns what is left of a row of a table that says that there was something;
// nil: nothing is.
func (e *Erasing) leaving(table string) func(row) []any {
	switch table {
	case "requests":
		return func(r row) []any {
			return []any{
				r.str("request_id"), r.str("run_id"), "", "", r.str("resource"), r.str("beat"), nil, nil,
				r.time("asked_at"), r.time("server_date"), r.batch.Column(r.place["status"]).(*array.Int32).Value(r.at),
				int64(0), "", int64(0), int64(0), int64(0), int64(0), int64(0),
				r.str("log_position"), erasedOutcome, nil, false,
			}
		}
	case "audit":
		return func(r row) []any {
			at := r.time("at")
			return []any{
				r.long("seq"), at, r.str("who"), r.str("command"), r.str("subject"), r.str("participant_id"),
				nil, nil, nil, r.str("hash"), at,
			}
		}
	}
	return nil
}

// lateIn are those who were erased before their answers came.
func lateIn(answers []*answer) (ids []string) {
	for _, a := range answers {
		if a.late != "" && !slices.Contains(ids, a.late) {
			ids = append(ids, a.late)
		}
	}
	return ids
}
