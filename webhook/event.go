package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// An Event is something that happened, as it is sent.
type Event struct {
	ID          string // see EventID
	Kind        string
	Participant string // ""; nobody's
	Cohort      string // of the participant
	Snapshot    int64  // that brought it; 0: none
	Body        []byte // JSON
	At          time.Time
}

// EventID is the id of what an event is about. The same parts give the same id, whoever
// computes it and whenever: so a receiver knows what it has seen already.
func EventID(study uuid.UUID, snapshot int64, kind, participant string, part string) string {
	h := sha256.New()
	for _, text := range []string{study.String(), fmt.Sprint(snapshot), kind, participant, part} {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:16])
}
