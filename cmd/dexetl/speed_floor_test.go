package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// The stages of the floor, in order. What has a star is part of the stage before it.
var floorStages = []string{"receive", "append to the log", "* SHA-256", "read from the log", "decode into columns", "write egvs", "write glucose"}

// A floor is what no program that lands the same files by the same libraries can go
// below: each thing that has to be done, done once, one after the other, and nothing
// else: no check, no fold, no order of rows, no state.
type floor struct {
	ctx    context.Context
	spent  map[string]time.Duration // of CPU, by stage
	rows   map[string]int64         // by table
	log    *raw.Log
	lake   *lake.Lake
	commit *lake.Commit
	open   map[string]*lake.Writer // by month, of the table in hand
	client http.Client
	body   bytes.Buffer
}

// mainFloor is speed-floor QUESTIONS LAKE DIR. It asks what is in the file QUESTIONS,
// works in the new folder DIR, and takes the rows of glucose out of LAKE. It writes its
// stages as JSON.
func mainFloor() {
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			os.Exit(1)
		}
	}
	f := &floor{ctx: context.Background(), spent: make(map[string]time.Duration), rows: make(map[string]int64), open: make(map[string]*lake.Writer)}
	var err error
	f.log, err = raw.Open(filepath.Join(os.Args[3], "raw"))
	check(err)
	f.lake, err = lake.Open(filepath.Join(os.Args[3], "lake"))
	check(err)
	_, err = f.lake.Lock(f.ctx, 0, lake.Holder{})
	check(err)
	f.commit = f.lake.Begin(lake.Manifest{})
	check(f.fetch(os.Args[1]))
	check(f.egvs())
	check(f.glucose(os.Args[2]))
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"spent": f.spent, "rows": f.rows}))
}

// stage counts what do spends of this process's CPU, its collector's included.
func (f *floor) stage(name string, do func() error) error {
	before := cpuTime()
	err := do()
	f.spent[name] += cpuTime() - before
	return err
}

// fetch asks every question and appends what comes to the log.
func (f *floor) fetch(questions string) error {
	file, err := os.Open(questions)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return err
	}
	for _, line := range lines[1:] {
		if err := f.stage("receive", func() error { return f.receive(line[0], line[1]) }); err != nil {
			return err
		}
		h := raw.Header{ParticipantID: line[2], ConnectionID: "C" + line[2], Resource: "egvs", Status: http.StatusOK, AskedAt: time.Now()}
		if h.WindowStart, err = time.Parse(time.RFC3339, line[3]); err != nil {
			return err
		}
		if h.WindowEnd, err = time.Parse(time.RFC3339, line[4]); err != nil {
			return err
		}
		_ = f.stage("* SHA-256", func() error { sha256.Sum256(f.body.Bytes()); return nil })
		if err := f.stage("append to the log", func() error { _, err := f.log.Append(f.ctx, h, f.body.Bytes()); return err }); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) receive(url, token string) error {
	request, err := http.NewRequestWithContext(f.ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	f.body.Reset()
	if _, err := f.body.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s, %w", url, answer.Status, err)
	}
	return nil
}

// egvs reads the answers, decodes them and writes a file for each month. The windows
// come by the month in which they begin, so that few files are open at a time.
func (f *floor) egvs() error {
	var entries []raw.Entry
	for e, err := range f.log.Entries(raw.Position{}) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	month := func(e raw.Entry) string { return e.WindowStart.Format("2006-01") }
	slices.SortFunc(entries, func(a, b raw.Entry) int {
		return cmp.Or(cmp.Compare(month(a), month(b)), cmp.Compare(a.ParticipantID, b.ParticipantID), a.WindowStart.Compare(b.WindowStart))
	})
	for _, e := range entries {
		if err := f.closeBefore("egvs", month(e)); err != nil {
			return err
		}
		rows, err := f.decode(e)
		if err == nil && rows != nil {
			err = f.splitMonths(rows)
		}
		if err != nil {
			return err
		}
	}
	return f.closeBefore("egvs", "9999")
}

// splitMonths writes rows of egvs, which are in order of time, one way or the other.
func (f *floor) splitMonths(rows arrow.RecordBatch) error {
	defer rows.Release()
	times := rows.Column(rows.Schema().FieldIndices("system_time")[0]).(*array.Timestamp).Values()
	month := func(i int64) string { return times[i].ToTime(arrow.Microsecond).Format("2006-01") }
	for from := int64(0); from < rows.NumRows(); {
		to := rows.NumRows()
		if m := month(from); m != month(to-1) {
			for to = from + 1; month(to) == m; {
				to++
			}
		}
		part := rows.NewSlice(from, to)
		if err := f.write("egvs", month(from), part); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// decode returns the rows of an answer, nil for none.
func (f *floor) decode(e raw.Entry) (rows arrow.RecordBatch, err error) {
	var body []byte
	if err := f.stage("read from the log", func() error { body, err = e.PlainWithin(dexcom.DefaultMaxBody); return err }); err != nil {
		return nil, err
	}
	err = f.stage("decode into columns", func() error {
		batch, err := transform.Apply(f.ctx, memory.DefaultAllocator, transform.Answer{
			RequestID: e.RequestID, ParticipantID: e.ParticipantID, ConnectionID: e.ConnectionID,
			Resource: dexcom.EGVs, AskedAt: e.AskedAt, Body: body,
		})
		rows = batch.Tables["egvs"]
		return err
	})
	return rows, err
}

// glucose writes the readings of a lake once more.
func (f *floor) glucose(path string) error {
	from, err := lake.OpenToRead(path)
	if err != nil {
		return err
	}
	defer from.Close()
	m, err := from.Current()
	if err != nil {
		return err
	}
	for _, file := range m.TableFiles("glucose") {
		if err := f.closeBefore("glucose", file.Partition); err != nil {
			return err
		}
		for rows, err := range from.Read(f.ctx, file, lake.ReadOptions{}) {
			if err == nil {
				err = f.write("glucose", file.Partition, rows)
			}
			if err != nil {
				return err
			}
		}
	}
	return f.closeBefore("glucose", "9999")
}

// write appends rows to the file of a month and releases them.
func (f *floor) write(table, month string, rows arrow.RecordBatch) error {
	defer rows.Release()
	w := f.open[month]
	if w == nil {
		t, _ := transform.TableNamed(table)
		var err error
		if w, err = f.commit.Create(t, month, ""); err != nil {
			return err
		}
		f.open[month] = w
	}
	f.rows[table] += rows.NumRows()
	return f.stage("write "+table, func() error { return w.Write(rows) })
}

// closeBefore closes the files of the months before one.
func (f *floor) closeBefore(table, month string) error {
	for m, w := range f.open {
		if m < month {
			delete(f.open, m)
			if err := f.stage("write "+table, func() error { _, err := w.Close(); return err }); err != nil {
				return err
			}
		}
	}
	return nil
}
