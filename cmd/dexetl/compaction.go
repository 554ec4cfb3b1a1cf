package main

import (
	"fmt"

	"github.com/dexetl/dexetl/extract/raw"
)

func describeCompaction(c raw.Compaction) string {
	return fmt.Sprintf("raw log compacted: %s to %s; of %s answers %s only confirmed what is held and lost their bodies",
		megabytes(c.Before), megabytes(c.After), thousands(int64(c.Answers)), thousands(int64(c.Dropped)))
}

func compactionFields(c raw.Compaction) map[string]any {
	return map[string]any{
		"segments": c.Segments, "answers": c.Answers, "bodies_dropped": c.Dropped, "bytes_before": c.Before, "bytes_after": c.After,
	}
}
