package api

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// An answer may take long, as a whole table does, but the caller has to take each piece
// of it in time.
const (
	piece       = 64 << 10 // bytes
	pieceWithin = 30 * time.Second
)

// SnapshotHeader has the number of the snapshot that an answer is of.
const SnapshotHeader = "X-Snapshot"

// SnapshotParam describes it.
func SnapshotParam() *huma.Param {
	return &huma.Param{Description: "Number of the snapshot that the answer is of; absent where nothing was loaded yet", Schema: &huma.Schema{Type: huma.TypeString}}
}

// A response knows its status, and gives up a caller who does not read.
type response struct {
	http.ResponseWriter
	conn   *http.ResponseController
	status int // 0: nothing was answered yet
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader keeps the status.
func (r *response) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write writes b piece by piece.
func (r *response) Write(b []byte) (n int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	for first := true; first || n < len(b); first = false {
		_ = r.conn.SetWriteDeadline(time.Now().Add(pieceWithin)) // a writer without deadlines is a test's
		wrote, err := r.ResponseWriter.Write(b[n:min(len(b), n+piece)])
		n += wrote
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Flush is for those who stream.
func (r *response) Flush() {
	_ = r.conn.SetWriteDeadline(time.Now().Add(pieceWithin))
	_ = r.conn.Flush() // the next Write says if the caller is gone
}
