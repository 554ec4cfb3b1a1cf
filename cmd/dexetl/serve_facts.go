package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dexetl/dexetl/study"
)

// factLog has in the log of serve what happens during runs.
type factLog struct {
	mu   sync.Mutex
	last map[study.FactKind]string
}

// isLasting reports whether a fact is so at every run until somebody changes the roster.
func isLasting(k study.FactKind) bool {
	switch k {
	case study.LeftOutPaused, study.LeftOutOver, study.LeftOutWithdrawn, study.LeftOutEdited, study.DatesInUTC:
		return true
	}
	return false
}

// isNew reports whether a fact was not told yet, or is another one than it was.
func (l *factLog) isNew(f study.Fact) bool {
	if !isLasting(f.Kind) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	text := fmt.Sprint(strings.Join(f.Participants, " "), " ", f.Err)
	if l.last == nil {
		l.last = make(map[study.FactKind]string)
	}
	told := l.last[f.Kind] == text
	l.last[f.Kind] = text
	return !told
}

// logFact tells in the log what happens during a run, and of how many people rather than of
// whom.
func (v *service) logFact(f study.Fact) {
	if v.facts.isNew(f) {
		v.log.Info("told by a run", "what", factWords(f, countOf(len(f.Participants), "participant")))
	}
}
