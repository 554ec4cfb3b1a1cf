//go:build linux || darwin

package snapshot

import (
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// A Stream tells how the results of this process ended.
type Stream struct{ failed error }

// OpenStream makes all sessions of this process, now and later, hand out rows as
// they are computed: else DuckDB keeps a result whole, in memory that no limit
// counts. The driver has no switch for it, but its calls are variables. A query
// then goes on while its rows are read, which no context ends; and the driver takes
// one that failed for one that ended. So this is for a process that has a single
// query, looks at Err after its rows, and can be killed.
func OpenStream() *Stream {
	s := &Stream{}
	mapping.PendingPrepared = bindings.PendingPreparedStreaming
	mapping.FetchChunk = func(result mapping.Result) mapping.DataChunk {
		chunk := bindings.FetchChunk(result)
		if message := mapping.ResultError(&result); chunk.Ptr == nil && message != "" && s.failed == nil {
			s.failed = streamError(message)
		}
		return chunk
	}
	return s
}

// Err is how the first result failed that did, nil if none did.
func (s *Stream) Err() error { return s.failed }

// streamError has the type of those errors that somebody asks for.
func streamError(message string) error {
	kind := duckdb.ErrorTypeInvalid
	for prefix, t := range map[string]duckdb.ErrorType{
		"Out of Memory Error": duckdb.ErrorTypeOutOfMemory, "Conversion Error": duckdb.ErrorTypeConversion,
		"Out of Range Error": duckdb.ErrorTypeOutOfRange, "Invalid Input Error": duckdb.ErrorTypeInvalidInput,
		"IO Error": duckdb.ErrorTypeIO, "Permission Error": duckdb.ErrorTypePermission, "INTERRUPT Error": duckdb.ErrorTypeInterrupt,
	} {
		if strings.HasPrefix(message, prefix+":") {
			kind = t
		}
	}
	return &duckdb.Error{Type: kind, Msg: message}
}
