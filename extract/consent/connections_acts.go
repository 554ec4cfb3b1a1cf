package consent

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dexetl/dexetl/extract/state"
)

// fields are what the trail says of a connection: not whose account it is.
func (c Connection) fields() state.Fields {
	f := state.Fields{"connection_id": c.ID, "region": c.Region, "status": string(c.Status)}
	if c.Aside {
		f["aside"] = true
	}
	return f
}

func connectionAct(before, after Connection) state.Act {
	act := state.Act{Subject: "connection", ParticipantID: after.ParticipantID, After: after.fields()}
	if before.ID != "" {
		act.Before = before.fields()
	}
	return act
}

// endedAct is that a connection ended.
func endedAct(c Connection, because string) []state.Act {
	after := c
	after.Status = Ended
	act := connectionAct(c, after)
	act.Reason = because
	return []state.Act{act}
}

// endedActs are which of the connections, as they were before, ended meanwhile.
func endedActs(ctx context.Context, tx *sql.Tx, before []Connection) (acts []state.Act, err error) {
	for _, o := range before {
		after, err := connectionIn(ctx, tx, o.ID)
		if err != nil {
			return nil, err
		}
		if o.Status != Ended && after.Status == Ended {
			acts = append(acts, endedAct(o, after.EndedBecause)...)
		}
	}
	return acts, nil
}

// lostActs are what a refusal means: something only if it is the end of the
// consent.
func lostActs(c Connection, f refreshFailure) []state.Act {
	if f.Status != NeedsReconsent {
		return nil
	}
	after := c
	after.Status = f.Status
	act := connectionAct(c, after)
	act.Reason = "Dexcom no longer accepts the consent: " + f.Outcome
	return []state.Act{act}
}

// importAct is that a grant was taken over and waits for its account to be seen.
func importAct(c Connection) state.Act {
	act := connectionAct(Connection{}, c)
	act.After["imported"] = true
	return act
}

// settleActs are what became of the connection c when its account was seen.
func settleActs(c Connection, others []Connection, out Connection, verdict error) []state.Act {
	var inUse *AccountInUseError
	var other *OtherAccountError
	switch {
	case errors.As(verdict, &inUse):
		act := state.Act{Subject: "connection", ParticipantID: c.ParticipantID}
		act.After = state.Fields{"connection_id": c.ID, "refused": "account in use", "connected_as": inUse.Other}
		return []state.Act{act}
	case as[*OwnerError](verdict):
		out.Aside = true
		act := connectionAct(Connection{}, out)
		act.Reason = "a connection in the way was edited in state.db"
		return []state.Act{act}
	case errors.As(verdict, &other) && (c.Aside || c.AccountHash != ""):
		return nil // said before, or nothing changes
	case errors.As(verdict, &other):
		out.Aside = true
		return []state.Act{connectionAct(Connection{}, out)}
	case out == c:
		return nil
	}
	var before Connection
	for _, o := range others {
		renewed, replaced := o.ID == out.ID, o.ParticipantID == out.ParticipantID && o.Region == out.Region && o.Status != Ended
		if renewed || before.ID == "" && replaced {
			before = o
		}
	}
	act := connectionAct(before, out)
	act.After["account"] = "seen"
	return []state.Act{act}
}
