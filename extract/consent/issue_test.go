package consent

import (
	"errors"
	"testing"
	"time"
)

// A link that was issued is told from one of invite, works for its time, and is forgotten
// a day after that.
func TestIssue(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	invited, err := g.Invite(t.Context(), []string{"P001"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := g.Issue(t.Context(), "P001", time.Hour, "https://app.example.org/back")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := g.CheckIssued(t.Context(), string(issued.Token)); p.ID != "P001" || err != nil {
		t.Errorf("CheckIssued = %s, %v", p.ID, err)
	}
	if p, err := g.CheckLink(t.Context(), string(issued.Token)); p.ID != "P001" || err != nil {
		t.Errorf("CheckLink = %s, %v", p.ID, err)
	}
	for what, token := range map[string]string{"of invite": string(invited[0].Token), "unknown": newToken(), "none": ""} {
		p, err := g.CheckIssued(t.Context(), token)
		if e, ok := errors.AsType[*LinkError](err); !ok || e.Reason != LinkUnknown || p.ID != "" || e.ParticipantID != "" {
			t.Errorf("CheckIssued of a link %s = %s, %v", what, p.ID, err)
		}
		if to := g.ReturnTo(t.Context(), token); to != "" {
			t.Errorf("ReturnTo of a link %s = %s", what, to)
		}
	}
	if to := g.ReturnTo(t.Context(), string(issued.Token)); to != "https://app.example.org/back" {
		t.Errorf("ReturnTo = %s", to)
	}
	s.add(time.Hour)
	_, err = g.CheckIssued(t.Context(), string(issued.Token))
	if e, ok := errors.AsType[*LinkError](err); !ok || e.Reason != LinkExpired {
		t.Errorf("CheckIssued after an hour = %v", err)
	}
	s.add(25 * time.Hour)
	if _, err := g.Issue(t.Context(), "P002", time.Hour, ""); err != nil {
		t.Fatal(err)
	}
	if to := g.ReturnTo(t.Context(), string(issued.Token)); to != "" {
		t.Errorf("it is still there a day later")
	}
	if all, err := g.Register.Invitations(t.Context()); len(all) != 1 || err != nil {
		t.Errorf("%d invitations, %v; want the one of invite", len(all), err)
	}
	if _, err := g.Issue(t.Context(), "P999", time.Hour, ""); err == nil {
		t.Error("a link was issued to a stranger")
	}
}
