package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/study"
)

// alone is dexetl without a study.
func alone(t *testing.T) *bench {
	t.Helper()
	return &bench{t: t, dir: filepath.Join(t.TempDir(), "study"), now: demoNow, env: map[string]string{"DEXETL_STUDY": ""}}
}

func text(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// Both commands read files by the same rules: what one refuses the other does,
// in the same words, with what to do.
func TestBothReadersRefuseAlike(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := alone(t)
	row := func(cells string) string { return text("id,time,gl", "P7,2025-04-02 00:00:00,101", cells) }
	for name, test := range map[string]struct {
		text string
		args []string
		want []string // in what is said
	}{
		"no such file":         {"", nil, []string{"no such file"}},
		"empty":                {"\n", nil, []string{"line 1: the file is empty; right: a header id,time,gl"}},
		"header alone":         {"id,time,gl\n", nil, []string{"line 1: there is a header and no row"}},
		"other columns":        {text("Subject,Timestamp,Glucose", "a,b,c"), nil, []string{`line 1: "Subject", "Timestamp", "Glucose"`, "missing: id, time, gl", "--columns id=…,time=…,gl=…"}},
		"columns not there":    {row("P7,2025-04-02,90"), []string{"--columns", "gl=glucose"}, []string{`"id", "time", "gl" is a header that lacks columns`, "missing: glucose"}},
		"no header":            {"P7,2025-04-02 00:00:00,101\n", nil, []string{"is a row where the header should be"}},
		"line before header":   {"Study 7\n" + row("P7,2025-04-02,90"), nil, []string{`line 1: "Study 7" stands before the header`, "which is line 2"}},
		"Clarity":              {"Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type\n1,,FirstName\n", nil, []string{"export of Clarity", "Event Type EGV", "--columns 'id=id,time=Timestamp"}},
		"LibreView":            {"Glucose Data,Generated on,x\nDevice,Serial Number,Device Timestamp,Record Type\n", nil, []string{"line 2", "export of LibreView", "Record Type 0", "--columns"}},
		"ragged":               {row("P7,2025-04-02 00:05:00"), nil, []string{"line 3, column gl: 2 cells are not as many as the header has; right: 3 cells"}},
		"cut off":              {strings.TrimSuffix(row("P7,2025-04"), "\n"), nil, []string{"line 3", "cut off"}},
		"lone quote":           {row(`"P7,2025-04-02 00:05:00,90`), nil, []string{"line 3, column id", "opens a quote that is not closed"}},
		"comment":              {row("# here the sensor was changed"), nil, []string{"line 3", "is a comment"}},
		"latin-1":              {row("Andr\xe9,2025-04-02 00:05:00,90"), nil, []string{"line 3, column id", "save", "CSV UTF-8"}},
		"zero byte":            {row("P\x007,2025-04-02 00:05:00,90"), nil, []string{"line 3, column id", "zero byte"}},
		"NaN":                  {row("P7,2025-04-02 00:05:00,nan"), nil, []string{`line 3, column gl: "nan" is not a number`}},
		"a word":               {row("P7,2025-04-02 00:05:00,HIGH"), nil, []string{"line 3, column gl", "401 for high"}},
		"no such day":          {row("P7,2025-04-31 00:05:00,90"), nil, []string{"line 3, column time", "is no day of the calendar"}},
		"year of two digits":   {row("P7,02/04/25 00:05,90"), nil, []string{"line 3, column time", "year of two digits", "2026-03-01 12:05:00"}},
		"year out of range":    {row("P7,1026-04-02 00:05:00,90"), nil, []string{"line 3, column time", "1970 to 2199"}},
		"mixed offsets":        {row("P7,2025-04-02 00:05:00-04:00,90"), nil, []string{"line 3, column time", "all times of a person with an offset, or all without"}},
		"many at once":         {row("P7,x,y\n,z,w"), nil, []string{":\nline 3, column time", "\nline 3, column gl", "\nline 4, column id", "\nline 4, column time", "\nline 4, column gl"}},
		"mmol/L":               {text("id;time;gl", "P7;2025-04-02 00:00;6,1", "P7;2025-04-02 00:05;5,9"), nil, []string{"these look like mmol/L: --unit mmol/L"}},
		"two units":            {text("id,time,gl", strings.TrimSuffix(strings.Repeat("P7,2025-04-02,120\n", 20)+strings.Repeat("P7,2025-04-02,7.5\n", 12), "\n")), nil, []string{`12 of 32 values of "P7" look like mmol/L (line 22, 23, 24), and others do not (line 2)`, "one unit"}},
		"mg/dL as mmol/L":      {row("P7,2025-04-02 00:05:00,90"), []string{"--unit", "mmol/L"}, []string{"these look like mg/dL: leave out --unit mmol/L"}},
		"no such unit":         {row("P7,2025-04-02 00:05:00,90"), []string{"--unit", "mg"}, []string{`unit "mg": mg/dL or mmol/L`}},
		"columns not as asked": {row("P7,2025-04-02 00:05:00,90"), []string{"--columns", "value=gl"}, []string{`"value=gl" is none of id=, time=, gl=`}},
	} {
		path := filepath.Join(t.TempDir(), "cgm.csv")
		if test.text != "" {
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		said := map[string]string{}
		for flag, args := range map[string][]string{"--input": {"metrics"}, "--replay": {"simulate", "--listen", "127.0.0.1:0"}} {
			code, stdout, stderr := b.run(append(append(args, flag, path), test.args...)...)
			if code != exitUsage || stdout != "" {
				t.Fatalf("%s: %s: exit %d\n%s%s", name, flag, code, stdout, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%s: %s says\n%s\nwant %q", name, flag, stderr, want)
				}
			}
			said[flag] = strings.ReplaceAll(stderr, flag, "FLAG")
		}
		if said["--input"] != said["--replay"] {
			t.Errorf("%s: --input says\n%s\n--replay says\n%s", name, said["--input"], said["--replay"])
		}
	}
}

func TestFileFlagsNeedAFile(t *testing.T) {
	t.Parallel()
	b := alone(t)
	for _, args := range [][]string{{"metrics", "--unit", "mmol/L"}, {"metrics", "--columns", "gl=x"}, {"simulate", "--unit", "mg/dL"}, {"simulate", "--columns", "id=x"}} {
		if code, _, stderr := b.run(args...); code != exitUsage || !strings.Contains(stderr, args[1]+" is about the file of --") {
			t.Errorf("dexetl %v: exit %d\n%s", args, code, stderr)
		}
	}
}

// One file has the same metrics whether it is read or served, fetched and
// loaded.
func TestInputAndReplayAgree(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("gl;Proband;Zeit\n")
	zone := time.FixedZone("", -7*3600)
	for i := range 600 {
		at := time.Date(2025, 5, 9, 22, 0, 2, 0, zone).Add(time.Duration(i) * 5 * time.Minute)
		fmt.Fprintf(&rows, "%d,0;West ;%s\n", 60+i%200, at.Format(time.RFC3339))
		if i%9 == 0 {
			fmt.Fprintf(&rows, "%d;West;%s\n", 250-i%100, at.Format("2006/1/2 15:04:05.000 -0700")) // the same instant again
		}
		if i%2 == 0 {
			fmt.Fprintf(&rows, "%d;\"East\"\"1\";%s\n", 80+i%150, at.Add(time.Second).Format(time.DateTime))
		}
	}
	path := filepath.Join(t.TempDir(), "cgm.csv")
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	file := fileFlags{columns: "id=proband,time=zeit"}
	p := &program{stderr: t.Output(), now: func() time.Time { return demoNow }}
	config, err := p.simulation(simulateOptions{days: 1, replay: path, file: file})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, dexsim.Config{Replay: config.Replay})
	b.must("backfill")
	columns := func(table string) string {
		return b.must("query", "--csv", "select n_readings, n_values, n_days, mean_mgdl, sd_mgdl, tir_pct, gri, expected_slots, first_date, last_date, first_local, last_local from "+table)
	}
	served := columns("participant_metrics order by participant_id")
	read := b.must("metrics", "--input", path, "--columns", file.columns, "--csv")
	got := selectColumns(t, read, strings.Split(strings.SplitN(served, "\n", 2)[0], ","))
	if strings.Count(served, "\n") != 3 || got != served {
		t.Errorf("read:\n%s\nserved:\n%s", got, served)
	}
}

// selectColumns are some columns of a CSV table.
func selectColumns(t *testing.T, table string, names []string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, row := range rows {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = row[slices.Index(rows[0], name)]
		}
		fmt.Fprintln(&b, strings.Join(cells, ","))
	}
	return b.String()
}

// A file denser than a Dexcom sensor measures is not served: the lake would
// merge or miscount it.
func TestReplayRefusesDenseFiles(t *testing.T) {
	t.Parallel()
	file := func(steps ...time.Duration) string {
		var b strings.Builder
		b.WriteString("id,time,gl\nother,2025-04-02,100\n")
		at := time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC)
		for i := range 40 {
			fmt.Fprintf(&b, "P7,%s,%d\n", at.Format("2006-01-02 15:04:05.999"), 100+i)
			at = at.Add(steps[i%len(steps)])
		}
		return b.String()
	}
	usual := []time.Duration{300 * time.Second, 300 * time.Second, 300 * time.Second, 300 * time.Second}
	for name, test := range map[string]struct {
		text string
		want string // "" if it is served
	}{
		"5 minutes":               {file(5 * time.Minute), ""},
		"15 minutes":              {file(15 * time.Minute), ""},
		"uneven":                  {file(280*time.Second, 320*time.Second), ""},
		"nearest that is no twin": {file(append(usual, 150*time.Second)...), ""},
		"one minute":              {file(time.Minute), "line 4, column time: denser than 5 minutes: 1m0s after"},
		"three minutes":           {file(3 * time.Minute), "line 4, column time: denser than 5 minutes: 39 of 39 steps"},
		"seldom too near":         {file(append(usual, 149*time.Second)...), "line 8, column time: denser than 5 minutes: 2m29s after"},
		"within one second":       {file(append(usual, 400*time.Millisecond)...), "line 8, column time: denser than 5 minutes: 400ms after"},
		"equal instants are one":  {file(append(usual, 0)...), ""},
	} {
		path := filepath.Join(t.TempDir(), "cgm.csv")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := &program{stderr: t.Output(), now: func() time.Time { return demoNow }}
		_, err := p.simulation(simulateOptions{days: 1, replay: path})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// Readings of a file have the cadence that they keep to, also where it changes;
// one without a value that of the value before.
func TestCadenceOfAFile(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("id,time,gl\n")
	at := time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC)
	write := func(id, value string, step time.Duration) {
		fmt.Fprintf(&rows, "%s,%s,%s\n", id, at.Format(time.DateTime), value)
		at = at.Add(step)
	}
	for range 20 {
		write("a", "110", 7*time.Minute)
		write("a", "NA", 8*time.Minute)
	}
	for range 20 {
		write("a", "120", 5*time.Minute)
	}
	write("b", "7", 0)
	file, err := cgmfile.Format{}.Read(strings.NewReader(rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	cadences, sources := map[int16]int{}, map[string]int{}
	for r := range study.Readings(file) {
		cadences[r.Cadence]++
		sources[r.Source]++
	}
	if want := map[int16]int{15: 40, 5: 21}; !maps.Equal(cadences, want) {
		t.Errorf("cadences %v, want %v", cadences, want)
	}
	if want := map[string]int{"": 20, "value": 40, "implausible": 1}; !maps.Equal(sources, want) {
		t.Errorf("sources %v, want %v", sources, want)
	}
}

// What does not count, or is served otherwise than it is written, is said.
func TestWhatIsSaidOfAFile(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := alone(t)
	path := filepath.Join(t.TempDir(), "cgm.csv")
	table := text("id,time,gl", "a,2025-04-02 00:00:00,100.5", "a,2025-04-02 00:00:00,101.5", "a,2025-04-02 00:05:00.25,10", "a,2025-04-02 00:10:00,601", "a,2025-04-02 00:15:00,", "a,2025-04-02 00:20:00,20", "b,2009-12-31,100", "b,2125-04-02,100")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr := b.run("metrics", "--input", path, "--csv")
	for _, want := range []string{"1 of 8 readings have the person and the instant of a later one", "2 of 8 values are outside 20 to 600 mg/dL"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("metrics says\n%s\nwant %q", stderr, want)
		}
	}
	if got, want := selectColumns(t, stdout, []string{"n_readings", "n_values", "min_mgdl", "max_mgdl"}), "n_readings,n_values,min_mgdl,max_mgdl\n5,2,20,101.5\n2,2,100,100\n"; got != want {
		t.Errorf("metrics: %q, want %q", got, want)
	}
	said := &strings.Builder{}
	p := &program{stderr: said, now: func() time.Time { return demoNow }}
	config, err := p.simulation(simulateOptions{days: 1, replay: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 8 readings have the person and the instant", "1 of 7 readings are from before 2010", "1 of 7 readings are later than now", "2 of 7 readings are served in whole mg/dL and seconds", "3 of 7 readings have a value outside 39 to 401"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("simulate says\n%s\nwant %q", said, want)
		}
	}
	if got := fmt.Sprint(config.Replay[0].Points[:2]); got != "[{2025-04-02 00:00:00 +0000 UTC 0 102} {2025-04-02 00:05:00 +0000 UTC 0 10}]" {
		t.Errorf("served: %s", got)
	}
}

// A pace that metrics do not count by is said, but by preset iglu, which takes it as it is.
func TestOddCadencesAreSaid(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := alone(t)
	var rows strings.Builder
	rows.WriteString("id,time,gl\n")
	at := time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC)
	for i := range 40 {
		for id, step := range map[string]time.Duration{"a": 5 * time.Minute, "b": 450 * time.Second} {
			fmt.Fprintf(&rows, "%s,%s,110\n", id, at.Add(time.Duration(i)*step).Format(time.DateTime))
		}
	}
	path := b.file("cgm.csv", rows.String())
	const want = "values come every 7.5 min and count as every 5: "
	for preset, said := range map[string]bool{"dexetl-1": true, "iglu": false} {
		_, _, stderr := b.run("metrics", "--input", path, "--preset", preset)
		if strings.Contains(stderr, want) != said || said && !strings.HasSuffix(stderr, "): b\n") {
			t.Errorf("%s: says\n%s", preset, stderr)
		}
	}
}
