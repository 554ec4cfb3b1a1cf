package lake

import "time"

// Reserve accounts for the numbers behind the newest snapshot, up to last, as lost: a lake that
// is gone had them, so none of them is given again. The load lock must be held.
func (l *Lake) Reserve(last int64) error {
	if l.held == nil {
		return ErrNotLocked
	}
	all, err := l.Manifests()
	if err != nil {
		return err
	}
	g, err := l.Gone()
	if err != nil {
		return err
	}
	first := int64(1)
	if len(all) > 0 {
		first = all[len(all)-1] + 1
	}
	for _, r := range g.Ranges {
		first = max(first, r.Last+1)
	}
	if first > last {
		return nil
	}
	g.Ranges = append(g.Ranges, GoneRange{first, last, GoneUnknown, l.now().Truncate(time.Second)})
	if n := len(g.Ranges); n > 1 {
		g.join(n - 2)
	}
	return l.putGone(g)
}
