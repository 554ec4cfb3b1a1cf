package dexsim

// A recorder makes the records of a person other than EGVs, on the device
// that events are entered on.
type recorder struct {
	person  *person
	history *history
	uploads uploads
}

// common is what a record of the person at ms has in common with others.
func (b recorder) common(ms int64, purpose uint64, key ...uint64) Common {
	p := b.person
	c := Common{
		RecordID:      uuid(4, append([]uint64{p.seed, purpose, uint64(ms)}, key...)...),
		TransmitterID: b.history.transmitters[b.history.sensorAt(ms).transmitter],
		Generation:    p.generation, Variant: p.variant,
	}
	c.Device, c.App = p.shows(p.main())
	return c
}

// ticks is the age of the transmitter in use at ms, in seconds.
func (b recorder) ticks(ms int64) *int64 {
	s := b.history.sensorAt(ms)
	n := max(1, (ms-s.started)/second) + s.bigTicks
	return &n
}

// record is a record of that content at ms.
func (b recorder) record(ms int64, body content) record {
	p, d := b.person, b.person.main()
	r := record{journey: journey{at: ms, upload: b.uploads.at(d, ms), device: d}, recorded: ms, offset: p.offset(d, ms), body: body}
	if d == receiver {
		r.how.zone = noZone
	}
	return r
}
