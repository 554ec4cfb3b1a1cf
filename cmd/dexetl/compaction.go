package main

import (
	"context"
	"fmt"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
)

// What lake.raw may be: every answer stays as it was received, or old ones are
// compacted (see docs/raw-log.md).
const (
	rawKeep    = "keep"
	rawCompact = "compact"
)

// compact shortens the raw log, if the study wants that and this process holds
// the load lock. An interruption leaves the rest to the next run: nothing is
// half done, and what the run was for is.
func (l *loading) compact(ctx context.Context) (raw.Compaction, error) {
	if l.study.config.Lake.Raw != rawCompact || l.guard == nil {
		return raw.Compaction{}, nil
	}
	defer l.p.spin("compacting the raw log")()
	c := load.Compactor{Lake: l.lake, Log: l.fold.Log, Now: l.p.now}
	done, err := c.Run(ctx)
	if err != nil && ctx.Err() == nil {
		return done, fmt.Errorf("all answers are in the tables, but: %w", err)
	}
	return done, nil
}

func describeCompaction(c raw.Compaction) string {
	return fmt.Sprintf("raw log compacted: %s to %s; of %s answers %s only confirmed what is held and lost their bodies",
		megabytes(c.Before), megabytes(c.After), thousands(int64(c.Answers)), thousands(int64(c.Dropped)))
}

func compactionFields(c raw.Compaction) map[string]any {
	return map[string]any{
		"segments": c.Segments, "answers": c.Answers, "bodies_dropped": c.Dropped, "bytes_before": c.Before, "bytes_after": c.After,
	}
}
