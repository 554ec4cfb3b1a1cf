package reading

// An hour's news says nothing of what was read a week ago. So little is derived anew
// where it is sure that the rest stays.

// certain is how long before a change the readings are derived that may hang on it:
// it has room for more values in a row than firm wants.
const certain = 6 * 3600 * second

// BeginSince is from where on Since needs all records, of changes from an instant on:
// the begin of the UTC day before the one that it returns readings of.
func BeginSince(changed int64) int64 { return sinceDay(changed) - microsPerDay }

// sinceDay is the begin of the first UTC day whose readings may hang on a change.
func sinceDay(changed int64) int64 { return floorDiv(changed-certain, microsPerDay) * microsPerDay }

// Since returns the records and readings from the begin of a UTC day on, in order of
// time, and that begin, if they hang on nothing before BeginSince(changed), and none
// before them on what is from changed on; false: that is not sure. The records, which
// it sorts by time and id, must be all there are from BeginSince(changed) on, and none
// from changed on may be gone. The caller sees to it that none of them has transmitter
// and ticks of a record before that.
func Since(records []Record, who Person, changed int64) (from int64, own []Record, readings []Reading, ok bool) {
	sortRecords(records)
	d := derive(records, who)
	d.lookAround()
	begin, from := BeginSince(changed), sinceDay(changed)
	if len(d.beside) > 0 || d.split(from) || !d.parted(from) || !d.firm(from, begin+context, -1) || !d.firm(from, changed-context, 1) {
		return from, nil, nil, false
	}
	readings = d.readings[d.firstReading(from):]
	return from, records[d.first(from):], readings, true
}

// parted reports whether of every transmitter with records before an instant two
// follow each other so late that they cannot be one measurement: which ones are, of
// later records, does not hang on earlier ones then (see measurements).
func (d *derived) parted(at int64) bool {
	last, whole := make(map[string]int64), make(map[string]bool)
	for i := range d.records {
		r := &d.records[i]
		before, known := last[r.Transmitter]
		switch {
		case known && before < at && r.Time-before >= sameReading:
			whole[r.Transmitter] = false
		case !known && r.Time < at:
			whole[r.Transmitter] = true
		}
		last[r.Transmitter] = r.Time
	}
	for _, is := range whole {
		if is {
			return false
		}
	}
	return true
}
