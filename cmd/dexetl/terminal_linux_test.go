package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plain"
)

// openTerminal is the end of a terminal at which a person sits, and the one that a
// program writes to.
func openTerminal(t testing.TB) (person, screen *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// At Ctrl-C the system drops what is on its way to the screen, which may be what the
	// program says of it.
	modes, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err == nil {
		modes.Lflag |= unix.NOFLSH
		err = unix.IoctlSetTermios(int(screen.Fd()), unix.TCSETS, modes)
	}
	if err != nil {
		t.Fatal(err)
	}
	return person, screen
}

// shown is what dexetl writes to a terminal of so many columns, without what moves.
func (b *bench) shown(columns int, args ...string) string {
	b.t.Helper()
	person, screen := openTerminal(b.t)
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		b.t.Fatal(err)
	}
	seen := make(chan string)
	go func() {
		text, _ := io.ReadAll(person) // ends with an error when the terminal is closed
		seen <- strings.ReplaceAll(string(text), "\r", "")
	}()
	code := b.start(args, strings.NewReader(""), screen, screen)
	screen.Close()
	text := <-seen
	if code == exitUnexpected {
		b.t.Errorf("dexetl %q: exit %d\n%s", args, code, text)
	}
	return moving.ReplaceAllString(text, "")
}

// moving is a line of progress, which stays on the screen until the next one.
var moving = regexp.MustCompile(`(?m)^.*\x1b\[1A\x1b\[J|^(comparing|folding|sync) .*\n`)

// tooLong are the lines of text that do not fit, but for commands to be copied.
func tooLong(text string, columns int) (found []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if plain.Width(line) > columns && !strings.HasPrefix(strings.TrimSpace(line), "next: ") {
			found = append(found, line)
		}
	}
	return found
}

// tabled is a study in which every table has rows, and some texts are long and wide.
func tabled(t *testing.T) *bench {
	b := newBench(t, dexsim.Config{Seed: 7, Participants: 4, Days: 4})
	b.must("backfill")
	b.must("participants", "add", "P-of-the-second-site-0005", "--cohort", "日本語のとても長いコホートの名前です", "--start", "2026-04-01")
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,the baseline before anything was changed at all,1,2\n"))
	b.must("exclusions", "import", b.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-04-12 00:00,2026-04-12 01:00,"+strings.Repeat("the sensor was wet ", 8)+"\n"))
	b.must("participants", "pause", "P003", "--reason", strings.Repeat("in hospital ", 10))
	return b
}

// Every table fits the terminal, and shows what matters there; --wide, like a pipe,
// gets all of it.
func TestTablesFitTheTerminal(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := tabled(t)
	for _, c := range []struct{ args, has string }{
		{"participants list", "participant reading next paused: dexetl resume P003"},
		{"participants list --needs", "participant next send P-of-the-second-site-0005"},
		{"participants show P001", "next accounts connection_id begun_because devices exclusions reason"},
		{"participants close --dry-run", "participant_id"},
		{"windows list", "participant_id window start_day end_day"},
		{"exclusions list", "participant_id from reason sensor"},
		{"invite list", "participant standing expires"},
		{"plan", "participant_id resource calls"},
		{"status", "participant_id consent newest_record to_do dexetl"},
		{"status P001", "participant_id coverage_14d_pct open_windows to_do resource records"},
		{"status --resources", "participant_id to_do resource records newest_record"},
		{"runs", "started_at command state exit_code took_s"},
		{"snapshots list", "snapshot created_at glucose folder"},
		{"snapshots diff 1 latest", "table added changed removed"},
		{"replay --dry-run", "replay"},
		{"metrics", "participant_id mean_mgdl in_range_pct"},
		{"metrics P001", "participant_id mean_mgdl in_range_pct very_high_pct first_date"},
		{"audit", "seq at change participant_id P001"},
		{"query from glucose limit 3", "participant_id local_time glucose_mgdl"},
		{"query from gaps limit 2", "participant_id gap_start gap_end gap_min kind"},
		{"query from sensor_sessions limit 2", "participant_id session_start session_end boundary"},
		{"query from completeness limit 1", "participant_id expected_slots complete_pct sufficient"},
		{"query from egvs limit 1500", "participant_id glucose_mgdl"},
		{"query from requests limit 5", "participant_id resource outcome"},
		{"query from daily_metrics", "participant_id local_date mean_mgdl in_range_pct"},
		{"query from metric_catalogue", "metric unit definition"},
		{"query select repeat('x', 300) as x, 2 as y from range(2)", "x y"},
		{"query selec", "dexetl:"},
		{"participants show nobody", "dexetl:"},
	} {
		args := strings.Fields(c.args)
		if args[0] == "query" {
			args = []string{"query", strings.TrimPrefix(c.args, "query ")}
		}
		for _, columns := range []int{80, 200} {
			text := b.shown(columns, args...)
			if long := tooLong(text, columns); len(long) > 0 {
				t.Errorf("dexetl %s: on %d columns %d lines are too long:\n%s", c.args, columns, len(long), strings.Join(long, "\n"))
			}
			for _, word := range strings.Fields(c.has) {
				if !strings.Contains(text, word) {
					t.Errorf("dexetl %s: on %d columns %q is missing:\n%s", c.args, columns, word, text)
				}
			}
		}
	}
	for _, command := range []string{"status", "audit", "participants list", "metrics P001"} {
		args := strings.Fields(command)
		if wide, piped := b.shown(80, append(args, "--wide")...), b.must(args...); wide != piped || len(tooLong(piped, 80)) == 0 {
			t.Errorf("dexetl %s --wide:\n%s\nis not all that a pipe gets:\n%s", command, wide, piped)
		}
	}
}

// COLUMNS says more than the terminal, as for other programs.
func TestColumnsAreHonoured(t *testing.T) {
	b := openBench(t, dexsim.Config{Seed: 7, Participants: 1, Days: 1}, demoNow)
	b.must("participants", "add", "P001", "P002")
	b.env["COLUMNS"] = "50"
	if long := tooLong(b.shown(200, "participants", "list"), 50); len(long) > 0 {
		t.Errorf("COLUMNS=50: %q", long)
	}
	b.env["COLUMNS"] = "wide"
	if text := b.shown(0, "participants", "list"); len(tooLong(text, usualWidth)) > 0 || len(tooLong(text, usualWidth/2)) == 0 {
		t.Errorf("a terminal that does not say how wide it is, is %d columns wide:\n%s", usualWidth, text)
	}
}

// A link can be drawn, and copied: it stands whole below the code, on a screen of 24 lines.
func TestLinkStaysOnTheScreen(t *testing.T) {
	b := openBench(t, dexsim.Config{Seed: 7, Participants: 1, Days: 1}, demoNow)
	b.must("participants", "add", "P001", "P002")
	text := b.shown(80, "invite", "P001", "--base-url", "https://consent.example.org")
	head, link, ok := strings.Cut(text, "\nhttps://consent.example.org/i/")
	if link = "https://consent.example.org/i/" + strings.TrimSuffix(link, "\n"); !ok || strings.ContainsAny(link, " \n") {
		t.Fatalf("no link at the end:\n%s", text)
	}
	code := head[strings.Index(head, "\x1b"):]
	if lines := strings.Count(code, "\n") + 1 + (len(link)+79)/80 + 1; lines > 24 {
		t.Errorf("code, link and prompt take %d lines of 24:\n%s", lines, text)
	}
	if text := b.shown(80, "invite", "P001", "P002", "--base-url", "https://consent.example.org"); len(regexp.MustCompile(`(?m)^link +https://\S{70,}$`).FindAllString(text, -1)) != 2 {
		t.Errorf("two links are not whole:\n%s", text)
	}
}

// Help breaks at words, under where its text begins.
func TestHelpFitsTheTerminal(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), now: demoNow, env: map[string]string{}}
	var names func(*cli.Command, []string)
	names = func(c *cli.Command, path []string) {
		text := b.shown(80, append(path, "--help")...)
		if long := tooLong(text, 80); len(long) > 0 || !strings.Contains(text, "NAME:") {
			t.Errorf("dexetl %q --help:\n%s\nof\n%s", path, strings.Join(long, "\n"), text)
		}
		for _, sub := range c.VisibleCommands() {
			if sub.Name != "help" {
				names(sub, append(slices.Clone(path), sub.Name))
			}
		}
	}
	names((&program{getenv: os.Getenv}).command(), nil)
	if text := b.shown(80, "status", "--help"); !regexp.MustCompile(`\n   --stale DURATION {4}participants .*\n {23}\S`).MatchString(text) {
		t.Errorf("usage does not go on below itself:\n%s", text)
	}
	if _, text, _ := b.run("status", "--help"); len(tooLong(text, usualWidth)) > 0 || len(tooLong(text, usualWidth-2)) == 0 {
		t.Errorf("for a pipe, help is not %d columns wide:\n%s", usualWidth, text)
	}
}
