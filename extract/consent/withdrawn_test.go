package consent

import (
	"context"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Whoever withdraws while another process refreshes is left without tokens,
// whatever the refresh brings, and nothing is spent any more if nothing was.
func TestWithdrawnDuringARefresh(t *testing.T) {
	for _, step := range []string{"refresh.leased", "refresh.begun", "refresh.answered", "refresh.kept", "refresh.committed"} {
		t.Run(step, func(t *testing.T) {
			ctx := context.Background()
			s, g := newStudy(t, "P001")
			id := s.imported(g, "P001")
			s.add(3 * time.Hour)
			other := s.process()
			g.step = func(at string) {
				if at != step {
					return
				}
				w := cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: s.clock(), Reason: "moved away", Who: "me"}
				if _, err := other.Register.Withdraw(ctx, w); err != nil {
					t.Errorf("Withdraw = %v", err)
				}
			}
			if token, err := g.Token(ctx, id); err == nil || token != "" {
				t.Errorf("Token = %q, %v, want an error alone", token, err)
			}
			if _, err := g.Register.Tokens(ctx, id); err == nil {
				t.Error("tokens are held")
			}
			if answers, err := g.Register.Answers(ctx, ""); err != nil || len(answers) > 0 {
				t.Errorf("Answers = %d, %v, want none", len(answers), err)
			}
			if c, err := g.Register.Connection(ctx, id); err != nil || c.Status != Ended {
				t.Errorf("connection is %s, %v, want it ended", c.Status, err)
			}
			if err := other.Recover(ctx); err != nil {
				t.Errorf("Recover = %v", err)
			}
			if _, posts := s.presented(""); step == "refresh.leased" && posts != 1 {
				t.Errorf("%d POSTs, want the one of the import", posts)
			}
		})
	}
}
