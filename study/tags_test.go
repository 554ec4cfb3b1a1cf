//go:build linux || darwin

package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/table"
)

// appendReadings logs the readings of the day before at, every five minutes.
func appendReadings(t *testing.T, log *raw.Log, n int, at time.Time, id string) {
	t.Helper()
	var records []string
	for i := range 288 {
		when := at.AddDate(0, 0, -1).Add(time.Duration(5*i) * time.Minute).Format("2006-01-02T15:04:05")
		records = append(records, fmt.Sprintf(`{"recordId":"r%d-%d","systemTime":"%sZ","displayTime":"%s+00:00","transmitterId":"t","transmitterTicks":%d,"value":%d,"unit":"mg/dL","displayDevice":"iOS"}`,
			n, i, when, when, 300*(i+1)+n*90000, 60+(i*7+n*13)%200))
	}
	_, err := log.Append(t.Context(), raw.Header{
		RequestID: fmt.Sprint("E", n), RunID: "RUN", ParticipantID: id, ConnectionID: "C" + id, Resource: "egvs", Status: 200, AskedAt: at,
		WindowStart: at.AddDate(0, 0, -1), WindowEnd: at,
	}, []byte(`{"recordType":"egv","recordVersion":"3.0","userId":"u`+id+`","records":[`+strings.Join(records, ",")+`]}`))
	check(t, err)
}

// answersOf are digits of a snapshot: its metrics, and a query.
func (s *Study) answersOf(t *testing.T, which string) string {
	t.Helper()
	m, err := s.Metrics(t.Context(), which, views.Selection{})
	check(t, err)
	q, err := s.Query(t.Context(), which, "x", "select participant_id, site, count(*) as n, sum(glucose_mgdl) as total, stddev(glucose_mgdl) as sd from glucose join participants using (participant_id) group by all order by all")
	check(t, err)
	var out strings.Builder
	check(t, m.Write(&out, table.CSV))
	check(t, q.Write(&out, table.CSV))
	return out.String()
}

// A snapshot with a name gives the same digits after a hundred commits, another roster and
// a collection of all that nothing keeps; so does its folder, as it was.
func TestTaggedSnapshotStays(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001", Site: "north"}))
	log, l := s.startLoading(t)
	appendReadings(t, log, 1, now.AddDate(0, 0, -1), "P001")
	appendReadings(t, log, 2, now, "P001")
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	before := s.answersOf(t, "latest")
	if !strings.Contains(before, "north") || strings.Count(before, "576") == 0 {
		t.Fatalf("not the digits to be compared:\n%s", before)
	}
	tagged, err := s.Tag(t.Context(), "paper-1", "", "for the paper", 0)
	check(t, err)
	sums := sumsIn(t, tagged.Folder)

	check(t, l.lock(t.Context(), 0))
	for i := range 100 {
		clock = clock.Add(time.Hour)
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: fmt.Sprintf("Q%03d", i)}))
		if i%20 == 0 {
			appendReadings(t, log, 3+i, clock, "P001")
		}
		check(t, l.load(t.Context()))
	}
	_, err = s.Consents.Remove(t.Context(), "Q007")
	check(t, err)
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context())))
	if after := s.answersOf(t, "latest"); after == before {
		t.Error("nothing changed meanwhile")
	}
	clock = clock.Add(25 * time.Hour)
	done, err := s.collect(t.Context(), l.lake, retain.Policy{Last: 1})
	check(t, err)
	if done.Kept[retain.Tagged] != 1 || done.Left() != 3 || done.Files < 100 {
		t.Errorf("collected %+v; want three to stay: the newest, the one before, the tagged", done)
	}
	check(t, l.publish(t.Context()))
	for _, which := range []string{"paper-1", "PAPER-1", "1"} {
		if diff := cmp.Diff(before, s.answersOf(t, which)); diff != "" {
			t.Errorf("--snapshot %s (-then +now):\n%s", which, diff)
		}
	}
	if diff := cmp.Diff(sums, sumsIn(t, tagged.Folder)); diff != "" {
		t.Errorf("its folder (-then +now):\n%s", diff)
	}
	if _, _, err := s.Snapshot("2"); !is[*NoSnapshotError](err) || !strings.Contains(err.Error(), "gc removed it") {
		t.Errorf("a snapshot that is gone: %v", err)
	}
	check(t, errors.Join(l.guard.Unlock()))
	l.guard = nil
	_, err = s.DropTag(t.Context(), "paper-1", 0)
	check(t, err)
	clock = clock.Add(25 * time.Hour) // it was opened just now
	if done, err = s.Collect(t.Context(), retain.Policy{Last: 1}, 0); err != nil || done.Left() != 2 {
		t.Errorf("after the tag is dropped: %+v, %v", done, err)
	}
	lines, err := s.TrailAbout(t.Context(), Selection{}, "snapshot")
	if err != nil || len(lines) != 2 || lines[0].Reason != "for the paper" {
		t.Errorf("the audit trail has %v, %v; want a line of the tag and one of its end", lines, err)
	}
}

// sumsIn checks the files of a folder by its SHA256SUMS, and returns these and the citation.
func sumsIn(t *testing.T, folder string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS")
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("sha256sum -c: %v\n%s", err, out)
	}
	var all []string
	for _, name := range []string{"SHA256SUMS", "CITATION.txt", "views.sql", "codebook.csv"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		check(t, err)
		all = append(all, string(content))
	}
	if !strings.Contains(all[1], "snapshot 1 (paper-1)") || !strings.Contains(all[0], " glucose/month=2026-04/") {
		t.Errorf("%s\n%s", all[1], all[0])
	}
	return strings.Join(all, "\n")
}

// Given again, snapshots tag does what is left to do; a name has one snapshot, and what is
// damaged gets none.
func TestTagAgain(t *testing.T) {
	oneAfterTheOther(t)
	s := open(t, nil)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001"}))
	log, l := s.startLoading(t)
	appendReadings(t, log, 1, now, "P001")
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	first, err := s.Tag(t.Context(), "paper-1", "", "why", 0)
	check(t, err)
	check(t, os.Remove(filepath.Join(first.Folder, "CITATION.txt")))
	again, err := s.Tag(t.Context(), "paper-1", "latest", "why", 0)
	if err != nil || again.Fresh || again.Citation != first.Citation {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := os.Stat(filepath.Join(first.Folder, "CITATION.txt")); err != nil {
		t.Error(err)
	}
	check(t, l.lock(t.Context(), 0))
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P002"}))
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context())))
	m, err := l.lake.Current()
	check(t, err)
	check(t, l.guard.Unlock())
	l.guard = nil
	if _, err := s.Tag(t.Context(), "Paper-1", "latest", "why", 0); !is[*lake.TagTakenError](err) {
		t.Errorf("of another snapshot: %v", err)
	}
	name := filepath.Join(s.LakePath(), m.TableFiles("participants")[0].Path)
	check(t, os.Chmod(name, 0o600))
	check(t, os.Truncate(name, 7))
	if _, err := s.Tag(t.Context(), "broken", "latest", "why", 0); !is[*lake.DamageError](err) {
		t.Errorf("of a damaged one: %v", err)
	}
	var kept lake.Tag
	content, err := os.ReadFile(filepath.Join(s.LakePath(), "tags", "paper-1.json"))
	check(t, errors.Join(err, json.Unmarshal(content, &kept)))
	if kept != first.Tag {
		t.Errorf("%+v, want %+v", kept, first.Tag)
	}
}

// A tag whose file is damaged can be dropped, also beside another one.
func TestDropDamagedTag(t *testing.T) {
	oneAfterTheOther(t)
	s := open(t, nil)
	_, l := s.startLoading(t)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001"}))
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	for _, name := range []string{"Paper", "other", "third"} {
		_, err := s.Tag(t.Context(), name, "", "why", 0)
		check(t, err)
	}
	for _, name := range []string{"Paper", "other"} {
		file := filepath.Join(s.LakePath(), "tags", name+".json")
		check(t, errors.Join(os.Chmod(file, 0o600), os.Truncate(file, 20)))
	}
	for _, name := range []string{"paper", "third", "other"} {
		if dropped, err := s.DropTag(t.Context(), name, 0); err != nil || !strings.EqualFold(dropped.Name, name) || (dropped.Snapshot == "") != (name != "third") {
			t.Errorf("DropTag(%s): %+v, %v", name, dropped, err)
		}
	}
	if tags, err := l.lake.Tags(); err != nil || len(tags) > 0 {
		t.Errorf("left: %v, %v", tags, err)
	}
	lines, err := s.TrailAbout(t.Context(), Selection{}, "snapshot")
	if err != nil || len(lines) != 6 {
		t.Errorf("the audit trail has %d lines, %v; want one of each tag and of its end", len(lines), err)
	}
}

// A lake that was copied to another path, without its links and its folders, read-only,
// answers as the one that it was made of.
func TestCopiedLakeAnswers(t *testing.T) {
	oneAfterTheOther(t)
	s := open(t, nil)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001", Site: "north"}))
	log, l := s.startLoading(t)
	appendReadings(t, log, 1, now, "P001")
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	_, err := s.Tag(t.Context(), "paper-1", "", "why", 0)
	check(t, err)
	before := s.answersOf(t, "paper-1")

	dir := filepath.Join(t.TempDir(), "elsewhere")
	check(t, os.CopyFS(dir, os.DirFS(s.Dir)))
	check(t, errors.Join(os.RemoveAll(filepath.Join(dir, "lake", "snapshots")), os.RemoveAll(filepath.Join(dir, "lake", "latest")), os.RemoveAll(filepath.Join(dir, "lake", "opened"))))
	check(t, os.Chmod(filepath.Join(dir, "lake"), 0o500))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "lake"), 0o700) })
	again, err := OpenFolder(dir, s.Program)
	check(t, err)
	for _, which := range []string{"paper-1", "latest", "1"} {
		if diff := cmp.Diff(before, again.answersOf(t, which)); diff != "" {
			t.Errorf("--snapshot %s (-there +copied):\n%s", which, diff)
		}
	}
	if tags, err := again.TagTable(); err != nil || len(tags.Rows) != 1 {
		t.Errorf("tags of the copy: %v, %v", tags.Rows, err)
	}
}

// Who tags a snapshot vouches for its files, so each is read: one whose content alone is
// damaged keeps the tag away, also one that is there, whichever of its names it has.
func TestTagReadsContent(t *testing.T) {
	oneAfterTheOther(t)
	for name, of := range map[string]func(m lake.Manifest) string{
		"data": func(m lake.Manifest) string { return m.TableFiles("glucose")[0].Path },
		"link": func(m lake.Manifest) string {
			return "latest/" + strings.TrimPrefix(m.TableFiles("glucose")[0].Path, "data/")
		},
		"derived": func(lake.Manifest) string { return "latest/codebook.csv" },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, nil)
			check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001"}))
			log, l := s.startLoading(t)
			appendReadings(t, log, 1, now, "P001")
			check(t, errors.Join(l.load(t.Context()), l.publish(t.Context())))
			m, err := l.lake.Current()
			check(t, errors.Join(err, l.guard.Unlock()))
			l.guard = nil
			_, err = s.Tag(t.Context(), "sound", "", "why", 0)
			check(t, err)
			flipCopy(t, filepath.Join(s.LakePath(), of(m)))
			for _, tag := range []string{"broken", "sound"} {
				var harm *lake.DamageError
				if _, err := s.Tag(t.Context(), tag, "", "why", 0); !errors.As(err, &harm) || filepath.Base(harm.Path) != filepath.Base(of(m)) {
					t.Errorf("tag %s: %v, want the damage of %s", tag, err, of(m))
				}
			}
			if tags, err := l.lake.Tags(); err != nil || len(tags) != 1 {
				t.Errorf("tags %v, %v; want the first one", tags, err)
			}
		})
	}
}

// flipCopy changes a bit of a file in the middle, under this name alone.
func flipCopy(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	check(t, err)
	content[len(content)/2] ^= 4
	check(t, errors.Join(os.Remove(name), os.WriteFile(name, content, 0o600)))
}
