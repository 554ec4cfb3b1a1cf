package dexsim

// uploads knows when what a device recorded reaches Dexcom.
type uploads struct {
	person   *person
	offline  []interval // phone without connection, oldest first
	sessions []session
}

// newUploads draws the person's times without connection. Everybody has some
// of hours to days; late makes them many and up to two weeks long.
func newUploads(p *person, sensors []session, late bool) uploads {
	u := uploads{person: p, sessions: sensors}
	r := source(p.seed, forUploads)
	every, longest := 25*day, 4*day
	if late {
		every, longest = 6*day, 14*day
	}
	for at := p.start; at < p.end; {
		at += int64(r.ExpFloat64() * float64(every))
		length := 6*hour + int64(r.Float64()*r.Float64()*float64(longest-6*hour))
		u.offline = append(u.offline, interval{at, at + length})
		at += length
	}
	return u
}

// at is when a record made at ms reaches Dexcom. Phones send within minutes
// or when they are back; a receiver is plugged in after the sensor's end.
func (u uploads) at(d device, ms int64) int64 {
	p := u.person
	if d == receiver {
		end := ms
		for _, s := range u.sessions {
			if s.start <= ms {
				end = max(end, s.end)
			}
		}
		return end + hour + int64(share(hash(p.seed, forUploads, uint64(end)))*float64(20*hour))
	}
	if i := firstAfter(u.offline, ms); i < len(u.offline) && u.offline[i].from <= ms {
		return u.offline[i].to
	}
	return ms + int64(share(hash(p.seed, forUploads, uint64(ms)))*float64(4*minute))
}
