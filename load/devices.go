package load

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// A version is a row of devices or alert_settings while answers are applied.
type version struct {
	pick
	upload, to arrow.Timestamp // last_upload_date, valid_to; 0: null
	held       int             // piece it is in; -1: just come
	touched    bool
}

// versions are the rows of one participant in devices or alert_settings.
type versions struct {
	shape
	key     []int // columns that name the device
	hash    int   // content_hash; -1: alert_settings
	upload  int   // last_upload_date; -1: alert_settings
	to      int   // valid_to
	pieces  []piece
	sources []arrow.RecordBatch
	rows    []version
}

func newVersions(table string, pieces []piece) *versions {
	v := &versions{shape: shapeNamed(table), hash: -1, upload: -1, pieces: pieces}
	for _, c := range shapeNamed("devices").Key {
		if c != "valid_from" {
			v.key = append(v.key, v.place[c])
		}
	}
	v.to = v.place["valid_to"]
	if table == "devices" {
		v.hash, v.upload = v.place["content_hash"], v.place["last_upload_date"]
	}
	for i, p := range pieces {
		src := v.source(p.rows)
		for row := range int(p.rows.NumRows()) {
			v.insert(pick{src, int32(row)}, i)
		}
	}
	return v
}

func (v *versions) source(b arrow.RecordBatch) int32 {
	v.sources = append(v.sources, b)
	return int32(len(v.sources) - 1)
}

func (v *versions) insert(p pick, held int) {
	row := version{pick: p, held: held, to: timeAt(v.sources[p.src], v.to, int(p.row))}
	if v.upload >= 0 {
		row.upload = timeAt(v.sources[p.src], v.upload, int(p.row))
	}
	v.rows = append(v.rows, row)
}

func timeAt(b arrow.RecordBatch, column, row int) arrow.Timestamp {
	if a := b.Column(column).(timestamps); a.IsValid(row) {
		return a.Value(row)
	}
	return 0
}

type timestamps interface {
	IsValid(int) bool
	Value(int) arrow.Timestamp
}

// current returns the places of the versions in force of the device that row
// p is of.
func (v *versions) current(p pick, of *versions) []int {
	var places []int
	for i := range v.rows {
		r := &v.rows[i]
		if r.to == 0 && sameDevice(v, r.pick, of, p) {
			places = append(places, i)
		}
	}
	return places
}

func sameDevice(v *versions, p pick, w *versions, q pick) bool {
	for i := range v.key {
		if compareAt(v.sources[p.src].Column(v.key[i]), int(p.row), w.sources[q.src].Column(w.key[i]), int(q.row)) != 0 {
			return false
		}
	}
	return true
}

// close ends the versions at places.
func (v *versions) close(places []int, at arrow.Timestamp) {
	for _, i := range places {
		v.rows[i].to, v.rows[i].touched = at, true
	}
}

// change returns what became of the rows; false: nothing.
func (v *versions) change(s *step, participant string) (change, bool) {
	c := change{participant: participant}
	var out []version
	for _, r := range v.rows {
		if r.held >= 0 && r.touched {
			c.drop(v.pieces[r.held], int(r.row))
		}
		if r.held < 0 || r.touched {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return c, false
	}
	slices.SortStableFunc(out, func(a, b version) int { // the clock may stand still between two answers
		return compareRows(v.sources[a.src], int(a.row), v.sources[b.src], int(b.row), v.order)
	})
	picks, to, upload := make([]pick, len(out)), make([]arrow.Timestamp, len(out)), make([]arrow.Timestamp, len(out))
	for i, r := range out {
		picks[i], to[i], upload[i] = r.pick, r.to, r.upload
	}
	rows := gather(s.mem, v.schema, v.sources, picks)
	defer rows.Release()
	c.adds = setTimes(s.mem, rows, v.to, to)
	if v.upload >= 0 {
		closed := c.adds
		c.adds = setTimes(s.mem, closed, v.upload, upload)
		closed.Release()
	}
	return c, true
}

// foldDevices applies the answers of the devices endpoint: a device whose
// content is that of its version in force changes nothing but the time of its
// last upload; any other begins a new version of it and of its settings.
func (s *step) foldDevices(ctx context.Context) error {
	answers := s.answersOf("devices")
	participants := slices.Sorted(maps.Keys(answers))
	if len(participants) == 0 {
		return nil
	}
	o := lake.ReadOptions{To: participants[len(participants)-1]}
	deviceRows := newSweep(s.Lake, s.parent.TableFiles("devices"), o)
	defer deviceRows.close()
	settingRows := newSweep(s.Lake, s.parent.TableFiles("alert_settings"), o)
	defer settingRows.close()
	all := func(lake.File) bool { return true }
	for _, p := range participants {
		held, err := deviceRows.take(ctx, p, all)
		if err != nil {
			return err
		}
		heldSettings, err := settingRows.take(ctx, p, all)
		if err != nil {
			releasePieces(held)
			return err
		}
		s.applyDevices(p, answers[p], newVersions("devices", held), newVersions("alert_settings", heldSettings))
		releasePieces(held)
		releasePieces(heldSettings)
	}
	return nil
}

func (s *step) applyDevices(participant string, answers []*answer, devices, settings *versions) {
	cover := s.cover(participant, "devices")
	for _, a := range answers {
		cover.asked = max(cover.asked, instant(a.AskedAt))
		devices.apply(a, settings)
	}
	cover.records = 0
	for _, r := range devices.rows {
		cover.records += int64(bit(r.to == 0))
	}
	for _, v := range []*versions{devices, settings} {
		if c, ok := v.change(s, participant); ok {
			s.edit(v.Name, "", c)
		}
	}
}

func (v *versions) apply(a *answer, settings *versions) {
	batch := a.batch.Tables["devices"]
	if batch == nil {
		return
	}
	src := v.source(batch)
	at := instant(a.AskedAt)
	come, settingSource := a.batch.Tables["alert_settings"], int32(-1)
	if come != nil {
		settingSource = settings.source(come)
	}
	for row := range int(batch.NumRows()) {
		p := pick{src, int32(row)}
		if v.repeated(batch, row) {
			continue
		}
		current := v.current(p, v)
		if len(current) > 0 && compareAt(v.sources[v.rows[current[0]].src].Column(v.hash), int(v.rows[current[0]].row), batch.Column(v.hash), row) == 0 {
			r := &v.rows[current[0]]
			if upload := timeAt(batch, v.upload, row); upload > r.upload {
				r.upload, r.touched = upload, true
				a.effect = true
			}
			continue
		}
		if len(current) > 0 {
			a.count(v.Name).Changed++
		} else {
			a.count(v.Name).Added++
		}
		v.close(current, at)
		v.insert(p, -1)
		settings.close(settings.current(p, v), at)
		if come != nil {
			settings.insertOf(p, v, settingSource)
		}
	}
}

// repeated reports whether a later row of the answer is of the same device:
// only the last one counts.
func (v *versions) repeated(batch arrow.RecordBatch, row int) bool {
	for later := row + 1; later < int(batch.NumRows()); later++ {
		if compareRows(batch, row, batch, later, v.key) == 0 {
			return true
		}
	}
	return false
}

// insertOf inserts the settings of the device in row p that an answer brought.
// They come device by device in the order of their indices, so that of a
// device sent twice the last stretch is the one that counts.
func (v *versions) insertOf(p pick, of *versions, src int32) {
	batch := v.sources[src]
	place := []int{v.place["schedule_index"], v.place["setting_index"]}
	var picks []pick
	for row := range int(batch.NumRows()) {
		q := pick{src, int32(row)}
		if !sameDevice(v, q, of, p) {
			continue
		}
		if n := len(picks); n > 0 && compareRows(batch, row, batch, int(picks[n-1].row), place) <= 0 {
			picks = picks[:0]
		}
		picks = append(picks, q)
	}
	for _, q := range picks {
		v.insert(q, -1)
	}
}
