package study

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
)

// A Census counts the study.
type Census struct {
	Participants  map[string]int // by Person.Consent
	Silent        map[string]int // connected, without a reading for so long
	NewestReading time.Time
}

// Census counts, with who is silent for longer than each of silences, by label.
func (s *Study) Census(ctx context.Context, silences map[string]time.Duration) (Census, error) {
	out := Census{Participants: make(map[string]int), Silent: make(map[string]int)}
	everybody, err := s.Cohort.Participants(ctx)
	if err != nil {
		return out, err
	}
	people, err := s.People(ctx, everybody)
	if err != nil {
		return out, err
	}
	for label := range silences {
		out.Silent[label] = 0
	}
	for _, p := range people {
		out.Participants[p.Consent()]++
		if p.Consent() != string(consent.Connected) {
			continue
		}
		at := p.Held.Of("egvs").Newest
		out.NewestReading = later(out.NewestReading, at)
		if at.IsZero() { // silent for as long as there could have been one
			at = later(p.Connection().CreatedAt, p.Who.StudyStart)
		}
		for label, over := range silences {
			if s.Now().Sub(at) > over {
				out.Silent[label]++
			}
		}
	}
	return out, nil
}
