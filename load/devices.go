package load

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
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
	device  []int // columns that name the device
	hash    int   // content_hash; absent in alert_settings
	upload  int   // last_upload_date; absent in alert_settings
	to      int   // valid_to
	pieces  []piece
	sources sources
	rows    []version
	inForce map[string][]int // places of the versions in force, by device
}

func newVersions(table string, pieces []piece) *versions {
	v := &versions{shape: shapeNamed(table), pieces: pieces, inForce: make(map[string][]int)}
	of := shapeNamed("devices").Key
	v.device, v.to = v.places(of[:len(of)-1]), v.place["valid_to"] // without valid_from
	v.hash, v.upload = v.placeOf("content_hash"), v.placeOf("last_upload_date")
	for i, p := range pieces {
		src := v.sources.add(p.rows)
		for row := range int(p.rows.NumRows()) {
			v.insert(pick{src, int32(row)}, i)
		}
	}
	return v
}

func (v *versions) insert(p pick, held int) {
	row := version{pick: p, held: held, to: timeAt(v.sources[p.src], v.to, int(p.row))}
	if v.upload != absent {
		row.upload = timeAt(v.sources[p.src], v.upload, int(p.row))
	}
	if row.to == 0 {
		device := v.name(p)
		v.inForce[device] = append(v.inForce[device], len(v.rows))
	}
	v.rows = append(v.rows, row)
}

// name is that of the device that a row is of, the same in both tables.
func (v *versions) name(p pick) string {
	return string(v.appendRow(nil, v.sources[p.src], int(p.row), v.device))
}

func timeAt(b arrow.RecordBatch, column, row int) arrow.Timestamp {
	if a := b.Column(column).(*array.Timestamp); a.IsValid(row) {
		return a.Value(row)
	}
	return 0
}

// close ends the versions in force of a device.
func (v *versions) close(device string, at arrow.Timestamp) {
	for _, i := range v.inForce[device] {
		v.rows[i].to, v.rows[i].touched = at, true
	}
	delete(v.inForce, device)
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
		return v.sources.compare(a.pick, b.pick, v.order)
	})
	picks, to, upload := make([]pick, len(out)), make([]arrow.Timestamp, len(out)), make([]arrow.Timestamp, len(out))
	for i, r := range out {
		picks[i], to[i], upload[i] = r.pick, r.to, r.upload
	}
	rows := v.sources.gather(s.loader.Mem, v.schema, picks)
	defer rows.Release()
	c.adds = setTimes(s.loader.Mem, rows, v.to, to)
	if v.upload != absent {
		closed := c.adds
		c.adds = setTimes(s.loader.Mem, closed, v.upload, upload)
		closed.Release()
	}
	return c, true
}

// foldDevices applies the answers of the devices endpoint: a device whose
// content is that of its version in force changes nothing but the time of its
// last upload; any other begins a new version of it and of its settings.
func (s *step) foldDevices(ctx context.Context) error {
	answers := s.answersOf("devices")
	settings := s.heldRows("alert_settings")
	defer settings.close()
	return s.heldRows("devices").each(ctx, slices.Sorted(maps.Keys(answers)), nil, func(p string, held []piece) error {
		heldSettings, err := settings.take(ctx, p, nil)
		if err != nil {
			return err
		}
		s.applyDevices(p, answers[p], newVersions("devices", held), newVersions("alert_settings", heldSettings))
		releasePieces(heldSettings)
		return nil
	})
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
	src, at := v.sources.add(batch), instant(a.AskedAt)
	come := settings.comeBy(a.batch.Tables["alert_settings"])
	devices, last := make([]string, batch.NumRows()), make(map[string]int)
	for row := range devices {
		devices[row] = v.name(pick{src, int32(row)})
		last[devices[row]] = row
	}
	for row, device := range devices {
		if last[device] != row {
			continue // of a device sent twice the last row counts
		}
		p, current := pick{src, int32(row)}, v.inForce[device]
		if len(current) > 0 && v.sources.compare(v.rows[current[0]].pick, p, []int{v.hash}) == 0 {
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
		v.close(device, at)
		v.insert(p, -1)
		settings.close(device, at)
		for _, q := range come[device] {
			settings.insert(q, -1)
		}
	}
}

// comeBy returns the settings that an answer brought, by device. They come device
// by device in the order of their indices, so that of a device sent twice the last
// stretch is the one that counts.
func (v *versions) comeBy(batch arrow.RecordBatch) map[string][]pick {
	if batch == nil {
		return nil
	}
	src, come := v.sources.add(batch), make(map[string][]pick)
	place := []int{v.place["schedule_index"], v.place["setting_index"]}
	for row := range int(batch.NumRows()) {
		q := pick{src, int32(row)}
		device := v.name(q)
		picks := come[device]
		if n := len(picks); n > 0 && compareRows(batch, row, batch, int(picks[n-1].row), place) <= 0 {
			picks = picks[:0]
		}
		come[device] = append(picks, q)
	}
	return come
}
