package main

import (
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// A reminder comes two days after the link was sent or opened, and says since when it
// lies there and what to send: the link as long as it works for a while, else a new one.
func TestReminders(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1}, demoNow)
	b.must("participants", "add", "P009", "--start", "2026-01-01")
	b.must("invite", "P009", "--base-url", "https://consent.example.org")
	database := b.database()
	for _, step := range []struct {
		days   int
		set    string // of the link: a column that is now
		needs  string // of participants list
		called bool   // is on the call list
	}{
		{1, "", "waits: link of 2026-04-15 not opened; remind from 2026-04-17", false},
		{3, "", "remind: link of 2026-04-15 not opened; send it again, it works until 2026-04-29; a new one: dexetl invite P009", true},
		{4, "opened_at", "waits: link of 2026-04-15 opened 2026-04-19, not used; remind from 2026-04-21", false},
		{6, "", "help: link of 2026-04-15 opened 2026-04-19, not used; send it again, it works until 2026-04-29; a new one: dexetl invite P009", true},
		{13, "", "help: link of 2026-04-15 opened 2026-04-19, not used; send a new one: dexetl invite P009", true},
		{15, "", "send a new link, that of 2026-04-15 ran out on 2026-04-29: dexetl invite P009, or sign in together: dexetl connect P009", true},
		{16, "denied_at", "talk: chose not to share, 2026-05-01; send a new one: dexetl invite P009", true},
	} {
		b.now = demoNow.AddDate(0, 0, step.days)
		if step.set != "" {
			_, err := database.Exec("update invitations set "+step.set+" = ?", b.now.UnixMicro())
			check(t, err)
		}
		if got := b.must("participants", "list", "P009"); !strings.Contains(got, step.needs) {
			t.Errorf("%d days after: %q expected, got\n%s", step.days, step.needs, got)
		}
		if got := strings.Contains(b.must("participants", "list", "--needs"), "P009"); got != step.called {
			t.Errorf("%d days after: on the call list: %t, want %t", step.days, got, step.called)
		}
		if code, _, _ := b.run("status", "--check", "P009"); code != exitConsent {
			t.Errorf("%d days after: status --check: exit %d, want %d: consent is missing, whoever waits", step.days, code, exitConsent)
		}
	}
}

// Words of programs do not reach a study office.
func TestAccountWords(t *testing.T) {
	for status, want := range map[consent.Status]string{
		consent.Connected: "connected", consent.AuthSuspect: "refused for now", consent.NeedsReconsent: "sign in again",
		consent.Exported: "elsewhere", consent.Ended: "ended",
	} {
		if got := accountWords(string(status)); got != want {
			t.Errorf("%s in words: %q, want %q", status, got, want)
		}
	}
}
