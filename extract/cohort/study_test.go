package cohort

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func asError[E error](err error) (E, bool) {
	var e E
	ok := errors.As(err, &e)
	return e, ok
}

func day(text string) time.Time {
	t, err := ParseDate(text)
	if err != nil {
		panic(err)
	}
	return t
}

const roster = "\ufeffregion,participant_id,timezone,study_start,study_end,anchor_date,status,site,cohort,arm,status_date,consent_date\r\n" +
	"us,P001,America/New_York,2026-01-01,2026-03-31,2026-01-02,enrolled,Boston,A,x,2026-01-03,2025-12-24\r\n" +
	"eu,p-2_b,Asia/Kolkata,,,,,,,,,\r\n"

func TestImportRoster(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	got, err := s.ImportRoster(ctx, strings.NewReader(roster))
	if want := (RosterImport{Added: 2}); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("ImportRoster = %+v, %v, want %+v", got, err, want)
	}
	all, err := s.Participants(ctx)
	want := []Participant{{ID: "P001", Site: "Boston", Cohort: "A", Arm: "x", Status: "enrolled", StatusDate: day("2026-01-03"),
		ConsentDate: day("2025-12-24"), AnchorDate: day("2026-01-02"), StudyStart: day("2026-01-01"), StudyEnd: day("2026-03-31"),
		Timezone: "America/New_York", Region: "us"}, {ID: "p-2_b", Timezone: "Asia/Kolkata", Region: "eu"}}
	if err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("Participants = %+v, %v, want %+v", all, err, want)
	}
}

func TestImportRosterAgain(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	if _, err := s.ImportRoster(ctx, strings.NewReader(roster)); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPaused(ctx, "P001", true); err != nil {
		t.Fatal(err)
	}
	got, err := s.ImportRoster(ctx, strings.NewReader(roster))
	if want := (RosterImport{Unchanged: 2}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("same file again = %+v, %v, want %+v", got, err, want)
	}
	// Another column set: what it does not have stays, an empty cell empties.
	got, err = s.ImportRoster(ctx, strings.NewReader("participant_id,cohort,site\nP001,B,\nP003,,\n"))
	if want := (RosterImport{Added: 1, Changed: 1, Absent: []string{"p-2_b"}, Emptied: []Emptied{{"site", []string{"P001"}}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("other columns = %+v, %v, want %+v", got, err, want)
	}
	p, err := s.Participant(ctx, "P001")
	if err != nil || p.Cohort != "B" || p.Site != "" || p.Timezone != "America/New_York" || !p.Paused {
		t.Errorf("P001 after partial import = %+v, %v", p, err)
	}
}

func TestRosterErrors(t *testing.T) {
	long := strings.Repeat("x", 65)
	tests := []struct{ name, file, want string }{
		{"every line", "participant_id,timezone,study_start,study_end,status,region\n" +
			"P001,Mars/Base,2026-01-01,,,\n" +
			"P002,Local,2026-13-01,,gone,mars\n" +
			"\n" +
			"P003,,2026-02-01,2026-01-31,,\n",
			`roster.csv:2: timezone "Mars/Base": not an IANA time zone such as Europe/Berlin
roster.csv:3: timezone "Local": not an IANA time zone such as Europe/Berlin
roster.csv:3: study_start "2026-13-01": not a date like 2026-03-31
roster.csv:3: status "gone": not one of screening, screen_failed, enrolled, randomised, completed, withdrawn, lost
roster.csv:3: region "mars": not one of us, eu, jp, sandbox
roster.csv:5: study_end "2026-01-31": before study_start 2026-02-01`},
		{"unknown column", "participant_id,time_zone\nP001,UTC\n", `roster.csv:1: column "time_zone": unknown; did you mean timezone?`},
		{"far column", "participant_id,zzzzzzzz\nP001,x\n", `roster.csv:1: column "zzzzzzzz": unknown; known are participant_id, site, cohort, arm, status, status_date, consent_date, anchor_date, study_start, study_end, timezone, region`},
		{"missing column", "site\nBoston\n", `roster.csv:1: column "participant_id": is missing`},
		{"column twice", "participant_id,site,Site\nP001,a,b\n", `roster.csv:1: column "Site": is there twice`},
		{"workbook", "PK\x03\x04\x14\x00", `roster.csv:1: an Excel workbook or a zip archive, not CSV: save its table as CSV UTF-8 and import that`},
		{"old workbook", "\xd0\xcf\x11\xe0\xa1", `roster.csv:1: an old Excel workbook, not CSV`},
		{"line of UTF-16", utf16le("participant_id\tsite\nP001\tBoston\nP001\tBoston\n"), `roster.csv:3: participant_id "P001": is in line 2 already`},
		{"empty", "", `roster.csv:1: empty file: a header line is needed`},
		{"fields", "participant_id,site\nP001\nP002,a,b\n", "roster.csv:2: 1 fields where the header has 2\nroster.csv:3: 3 fields where the header has 2"},
		{"ids", "participant_id\n../x\n-P1\n*\n" + long + "\nP1 OR 1\n",
			"roster.csv:2: participant_id \"../x\": not an id: letters, digits, _ and -, at most 64, beginning with a letter or digit"},
		{"no id", "participant_id,site\n,Boston\n", `roster.csv:2: participant_id: is empty`},
		{"twice", "participant_id\nP001\np001\n", `roster.csv:3: participant_id "p001": is in line 2 already`},
		{"spelling", "participant_id\nHELD\n", `roster.csv:2: participant_id "HELD": held as held, and ids that differ in case only are one: write held; if held is the mistake and nothing was fetched yet, participants remove held first`},
		{"quote", "participant_id,site\nP001,\"a\"b\"\nP002,\nP_é,\n", `roster.csv:2: extraneous or missing " in quoted-field` + "\n" + `roster.csv:4: participant_id "P_é": not an id`},
		{"latin 1", "participant_id,site\nP001,Z\xfcrich\n", `roster.csv:2: site: not UTF-8: save the file as CSV UTF-8`},
		{"line break", "participant_id,site\nP001,\"a\nb\"\n", `roster.csv:2: site: holds a control character or a line break`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := context.Background()
			s, _ := newStore(t)
			addAll(t, s, "held")
			_, err := s.ImportRoster(ctx, strings.NewReader(tt.file))
			if _, ok := asError[*CSVError](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("ImportRoster(%q) =\n%v\nwant\n%s", tt.file, err, tt.want)
			}
			if all, err := s.Participants(ctx); err != nil || len(all) != 1 {
				t.Errorf("after a bad file: %d participants, %v, want the one held before", len(all), err)
			}
		})
	}
}

func TestCSVErrorShowsTwenty(t *testing.T) {
	file := "participant_id\n" + strings.Repeat("!\n", 25)
	s, _ := newStore(t)
	_, err := s.ImportRoster(context.Background(), strings.NewReader(file))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 5 more" || !strings.HasPrefix(lines[19], "roster.csv:21: ") {
		t.Errorf("25 bad lines print as %d lines ending %q", len(lines), lines[len(lines)-1])
	}
}

// Spreadsheets leave blank lines and trailing commas.
func TestRosterFromSpreadsheet(t *testing.T) {
	s, _ := newStore(t)
	got, err := s.ImportRoster(context.Background(), strings.NewReader("Participant_ID, Site ,,\nP001, Boston ,,\n,,,\n\nP002,,,\n"))
	if want := (RosterImport{Added: 2}); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("ImportRoster = %+v, %v, want %+v", got, err, want)
	}
	if p, err := s.Participant(context.Background(), "P001"); err != nil || p.Site != "Boston" {
		t.Errorf("P001 = %+v, %v, want site Boston", p, err)
	}
}

func TestAddParticipant(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	addAll(t, s, "P001")
	for _, tt := range []struct {
		p    Participant
		want string
	}{
		{Participant{ID: "p001"}, `participant_id "p001": is there already as P001, and ids that differ in case only are one: write P001; if P001 is the mistake and nothing was fetched yet, participants remove P001 first`},
		{Participant{ID: "a/b"}, `participant_id "a/b": not an id`},
		{Participant{ID: "P002", Region: "uk"}, `region "uk": not one of`},
	} {
		err := s.AddParticipant(ctx, tt.p)
		if _, ok := asError[*LineError](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("AddParticipant(%+v) = %v, want %s", tt.p, err, tt.want)
		}
	}
}

// Words with a meaning of their own are no ids, at either door and in any case;
// a participant who has one already keeps it.
func TestReservedIDs(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	for _, id := range []string{"CON", "nul", "Com1", "LPT9", "NA", "NaN", "null", "TRUE", "latest", "Last", "all", "list", "revoke"} {
		if _, ok := asError[*LineError](s.AddParticipant(ctx, Participant{ID: id})); !ok {
			t.Errorf("AddParticipant took %q", id)
		}
		_, err := s.ImportRoster(ctx, strings.NewReader("participant_id\nP001\n"+id+"\n"))
		if e, ok := asError[*CSVError](err); !ok || !strings.Contains(e.Error(), "a meaning of its own") {
			t.Errorf("ImportRoster with %q = %v, want a refusal", id, err)
		}
	}
	addAll(t, s, "CON1", "all-2", "x-latest", "NA01", "COM10")
	if _, err := s.Store.Exec(ctx, "update participants set participant_id = 'CON' where participant_id = 'CON1'"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ImportRoster(ctx, strings.NewReader("participant_id,cohort\nCON,A\n")); err != nil {
		t.Errorf("ImportRoster of a participant held as CON: %v, want her kept", err)
	}
}

func TestUnknownParticipant(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	addAll(t, s, "P001", "Q777")
	for id, near := range map[string]string{"p001": "P001", "Q77": "Q777", "zzz": "", strings.Repeat("x", 5000): ""} {
		_, err := s.Participant(ctx, id)
		if e, ok := asError[*UnknownParticipantError](err); !ok || e.Near != near {
			t.Errorf("Participant(%.9q) = %v, want unknown, near %q", id, err, near)
		}
		if _, ok := asError[*UnknownParticipantError](s.SetPaused(ctx, id, true)); !ok {
			t.Errorf("SetPaused(%.9q) is no UnknownParticipantError", id)
		}
	}
}

func TestImportWindows(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	addAll(t, s, "P001")
	file := "window,participant_id,start,end,start_day,end_day\n" +
		"follow-up,P001,2026-03-01,2026-03-01,,\nbaseline,*,,,-14,-1\n"
	done, err := s.ImportWindows(ctx, strings.NewReader(file), nil)
	if err != nil || done.Rows != 2 || done.Added != 2 {
		t.Fatalf("ImportWindows = %+v, %v, want 2, both added", done, err)
	}
	want := []Window{{ParticipantID: "*", Name: "baseline", StartDay: -14, EndDay: -1},
		{ParticipantID: "P001", Name: "follow-up", Start: day("2026-03-01"), End: day("2026-03-01")}}
	if got, err := s.Windows(ctx); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Windows = %+v, %v, want %+v", got, err, want)
	}
	if _, err := s.ImportWindows(ctx, strings.NewReader("participant_id,window\nP001,\n"), nil); err == nil {
		t.Error("a bad file was taken")
	}
	if got, err := s.Windows(ctx); err != nil || len(got) != 2 {
		t.Errorf("after a bad file: %d windows, %v, want 2", len(got), err)
	}
	done, err = s.ImportWindows(ctx, strings.NewReader("participant_id,window,start_day,end_day\n*,all,1,90\n"), nil)
	if err != nil || done.Rows != 1 || !reflect.DeepEqual(done.Removed, want) {
		t.Fatalf("second import = %+v, %v, want 1 and that the other two are removed", done, err)
	}
	if got, err := s.Windows(ctx); err != nil || len(got) != 1 || got[0].Name != "all" {
		t.Errorf("after the second import: %+v, %v, want the new one alone", got, err)
	}
}

func TestWindowErrors(t *testing.T) {
	s, _ := newStore(t)
	addAll(t, s, "P001")
	file := "participant_id,window,start,end,start_day,end_day\n" +
		"P01,a,2026-01-01,2026-01-02,,\n" +
		"P001,b,2026-01-02,2026-01-01,,\n" +
		"P001,c,2026-01-02,,,\n" +
		"P001,d,,,0,3\n" +
		"P001,e,,,-1,-3\n" +
		"P001,f,2026-01-01,2026-01-02,1,2\n" +
		"P001,,,,1,2\n" +
		"P001,g,,,1,two\n" +
		"P001,g,,,1,2\n" +
		"*,h,,,,\n"
	want := `windows.csv:2: participant_id "P01": not in the roster; did you mean P001?
windows.csv:3: end "2026-01-01": before start 2026-01-02
windows.csv:4: needs start and end, or start_day and end_day
windows.csv:5: start_day "0": there is no study day 0: day 1 is the anchor date, -1 the day before
windows.csv:6: end_day "-3": before start_day -1
windows.csv:7: has both dates and study days
windows.csv:8: window: is empty
windows.csv:9: end_day "two": not a study day
windows.csv:10: window "g": participant P001 has it in line 9 already
windows.csv:11: needs start and end, or start_day and end_day`
	if _, err := s.ImportWindows(context.Background(), strings.NewReader(file), nil); err == nil || err.Error() != want {
		t.Errorf("ImportWindows =\n%v\nwant\n%s", err, want)
	}
}

// A file without a line takes out what is held only if that is meant, and says what it
// would be.
func TestImportOfNoLine(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	addAll(t, s, "P001")
	empty := func(mayEmpty func([]Exclusion) error) (Replacement[Exclusion], error) {
		return s.ImportExclusions(ctx, strings.NewReader("participant_id,from,to\n,,\n"), mayEmpty)
	}
	no := errors.New("no")
	refuse := func(held []Exclusion) error {
		if len(held) != 1 {
			t.Errorf("asked about %+v, want the one that is held", held)
		}
		return no
	}
	if done, err := empty(refuse); err != nil || done.Rows != 0 {
		t.Errorf("where nothing is held: %+v, %v, want that nobody is asked", done, err)
	}
	if _, err := s.ImportExclusions(ctx, strings.NewReader("participant_id,from,to\nP001,2026-03-29,2026-03-29\n"), refuse); err != nil {
		t.Fatal(err)
	}
	if _, err := empty(refuse); err != no {
		t.Errorf("refused: %v, want %v", err, no)
	}
	if held, err := s.Exclusions(ctx); err != nil || len(held) != 1 {
		t.Errorf("after a refusal: %d held, %v, want 1", len(held), err)
	}
	if done, err := empty(func([]Exclusion) error { return nil }); err != nil || len(done.Removed) != 1 {
		t.Errorf("meant: %+v, %v, want that it is removed", done, err)
	}
}

func TestImportExclusions(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	addAll(t, s, "P001")
	file := "participant,from,to,reason\n" +
		"P001,2026-03-29,2026-03-29,MRI\n" + // a whole day, whatever its hours
		"P001,2026-02-01 13:30,2026-02-02,\"sensor, fell off\"\n" +
		"P001,2026-01-01T00:00:10,2026-01-01T00:00:20,\n"
	done, err := s.ImportExclusions(ctx, strings.NewReader(file), nil)
	if err != nil || done.Rows != 3 {
		t.Fatalf("ImportExclusions = %+v, %v, want 3", done, err)
	}
	at := func(text string) time.Time {
		v, err := time.Parse(localLayout, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	want := []Exclusion{
		{"P001", at("2026-01-01T00:00:10"), at("2026-01-01T00:00:20"), ""},
		{"P001", at("2026-02-01T13:30:00"), at("2026-02-03T00:00:00"), "sensor, fell off"},
		{"P001", at("2026-03-29T00:00:00"), at("2026-03-30T00:00:00"), "MRI"},
	}
	if got, err := s.Exclusions(ctx); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Exclusions = %+v, %v, want %+v", got, err, want)
	}
}

func TestExclusionErrors(t *testing.T) {
	s, _ := newStore(t)
	addAll(t, s, "P001")
	file := "participant_id,from,to\n" +
		"P009,2026-01-01,2026-01-02\n" +
		"P001,2026-01-02,2026-01-01\n" +
		"P001,2026-01-01T10:00,2026-01-01T10:00\n" +
		"P001,2026-01-01T10:00Z,\n" +
		"P001,2026-01-01,2026-01-02\nP001,2026-01-01,2026-01-03T00:00\n" +
		"*,2026-01-01,2026-01-02\n"
	want := `exclusions.csv:2: participant_id "P009": not in the roster; did you mean P001?
exclusions.csv:3: to "2026-01-01": not after from 2026-01-02
exclusions.csv:4: to "2026-01-01T10:00": not after from 2026-01-01T10:00
exclusions.csv:5: from "2026-01-01T10:00Z": not a local date or time like 2026-03-31 or 2026-03-31 14:30, without a zone
exclusions.csv:5: to: is empty
exclusions.csv:7: is in line 6 already
exclusions.csv:8: participant_id "*": not in the roster`
	if _, err := s.ImportExclusions(context.Background(), strings.NewReader(file), nil); err == nil || err.Error() != want {
		t.Errorf("ImportExclusions =\n%v\nwant\n%s", err, want)
	}
}

func TestTokenFileErrorsShowNoToken(t *testing.T) {
	s, _ := newStore(t)
	addAll(t, s, "P001")
	file := "participant_id,refresh_token\nP002,canary-1\nP001,canary-2\nP001,canary-2\nP001,\nP001,canary-3,canary-4\nP001,\"canary-5\"x\n"
	_, err := s.ReadTokenFile(context.Background(), strings.NewReader(file))
	want := `tokens.csv:2: participant_id "P002": not in the roster; did you mean P001?
tokens.csv:4: refresh_token: is the token of another line
tokens.csv:5: refresh_token: is empty
tokens.csv:6: 3 fields where the header has 2
tokens.csv:7: extraneous or missing " in quoted-field`
	if err == nil || err.Error() != want {
		t.Errorf("ReadTokenFile =\n%v\nwant\n%s", err, want)
	}
}

// Whatever the bytes, an import ends with a *CSVError or takes rows that the
// checks of every door accept.
func FuzzImportRoster(f *testing.F) {
	f.Add([]byte(roster))
	f.Add([]byte("participant_id,timezone\nP001,Mars/Base\n"))
	f.Add([]byte("participant_id\n\"P\n"))
	f.Add([]byte("\ufeff\ufeffparticipant_id\r\r\nP1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		sh, err := readSheet(strings.NewReader(string(file)), rosterLayout())
		if err != nil {
			if _, ok := asError[*CSVError](err); !ok {
				t.Fatalf("readSheet(%q) = %v, want *CSVError", file, err)
			}
			return
		}
		lines := rosterLines(sh, nil)
		if err := sh.err(); err != nil {
			return
		}
		seen := map[string]bool{}
		for _, p := range lines {
			if !participantID.MatchString(p.ID) || seen[strings.ToLower(p.ID)] || len(p.check()) > 0 {
				t.Fatalf("rosterLines(%q) took %+v", file, p)
			}
			seen[strings.ToLower(p.ID)] = true
		}
	})
}
