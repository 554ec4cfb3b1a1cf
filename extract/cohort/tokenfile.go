package cohort

import (
	"context"
	"io"
)

// A TokenLine is a line of a token file. The token is in the clear.
type TokenLine struct {
	Line          int
	ParticipantID string
	RefreshToken  string
}

func tokenLayout() layout {
	both := []string{"participant_id", "refresh_token"}
	return layout{kind: Tokens, file: "tokens.csv", secret: true, columns: both, required: both}
}

// ReadTokenFile reads participant_id,refresh_token lines. What is wrong is a
// *CSVError, which never shows a token; nothing is stored.
func (c *Cohort) ReadTokenFile(ctx context.Context, r io.Reader) ([]TokenLine, error) {
	sh, err := readSheet(r, tokenLayout())
	if err != nil {
		return nil, err
	}
	held, err := c.Participants(ctx)
	if err != nil {
		return nil, err
	}
	known, lineOf := byID(held), map[string]int{}
	var out []TokenLine
	for _, r := range sh.rows {
		sh.participant(r, known, held)
		token := r.cells["refresh_token"]
		secretly := func(reason string) {
			sh.errs = append(sh.errs, LineError{Line: r.line, Column: "refresh_token", Reason: reason})
		}
		if token == "" {
			secretly("is empty")
		} else if _, again := lineOf[token]; again {
			secretly("is the token of another line")
		}
		lineOf[token] = r.line
		out = append(out, TokenLine{r.line, r.cells["participant_id"], token})
	}
	return out, sh.err()
}
