package call

import (
	"net/http"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// Header is what an answer, complete at the given time, says of itself in the log.
func Header(a dexcom.Answer, asked time.Time) raw.Header {
	status := http.StatusOK
	if a.NoContent {
		status = http.StatusNoContent
	}
	return raw.Header{
		Resource:    string(a.Resource),
		WindowStart: a.Start,
		WindowEnd:   a.End,
		LastSync:    a.LastSync,
		Status:      status,
		AskedAt:     asked,
		ServerDate:  a.Date,
		Records:     a.Records,
	}
}
