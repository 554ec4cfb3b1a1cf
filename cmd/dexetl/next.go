package main

import (
	"fmt"
	"time"

	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/webhook"
)

// firstStep is the first that there is.
func firstStep(steps ...step) step {
	for _, s := range steps {
		if len(s) > 0 {
			return s
		}
	}
	return nil
}

// nextOf is the next command for an error that knows whom or what it is about,
// nil for others.
func nextOf(err error) step {
	return firstStep(
		on(err, func(e *config.TrustError) step {
			if e.Owner != "" {
				return nil // it takes a decision
			}
			return shell("chmod", "go-w", e.Path)
		}),
		on(err, func(e *study.SecretError) step {
			if e.Fault == study.SecretFileOpen {
				return shell("chmod", "600", e.From)
			}
			return nil
		}),
		on(err, func(e *export.KeyError) step {
			if e.Open {
				return shell("chmod", "600", e.Path)
			}
			return nil
		}),
		on(err, func(e *backup.NoTrailError) step {
			if e.Near == "" {
				return nil
			}
			return again("--trail", e.Near)
		}),
		on(err, func(e *backup.LostKeyError) step {
			if e.Other {
				return nil
			}
			return shell("cp", "-p", e.Held, e.Beside)
		}),
		on(err, func(e *consent.KeyModeError) step { return shell("chmod", "600", e.Path) }),
		on(err, leftOutNext),
		on(err, func(e *cohort.LineError) step {
			if e.Column == "participant_id" {
				return dexetl("participants", "list")
			}
			return nil // another value, which nobody but who typed it knows
		}),
		on(err, func(e *study.NobodyError) step {
			if e.EmptyRoster {
				return nil // there is nobody to list
			}
			return dexetl("participants", "list")
		}),
		on(err, func(e *webhook.NeverError) step { return again("--" + e.Lacks) }),
		on(err, func(e *study.NoWindowError) step {
			if e.Near == "" || e.Several {
				return nil
			}
			return again("--window", e.Near)
		}),
		on(err, func(e *study.NoSubjectError) step {
			switch {
			case e.Participant != "":
				return dexetl("audit", e.Participant)
			case e.Near != "":
				return again("--subject", e.Near)
			}
			return nil
		}),
		on(err, func(e *study.TextsError) step { return dexetl("connect", "--print-texts") }),
		on(err, func(e *study.ForeignLakeError) step {
			if e.KeyUnset {
				return dexetl("connect", "--public-key")
			}
			return nil
		}),
		on(err, func(e *study.HeadError) step {
			if e.Unreadable {
				return dexetl("audit", "head")
			}
			return nil
		}),
		on(err, func(e *load.ForgottenWithdrawalError) step {
			if as[*study.UnknownWithdrawnError](err) {
				return nil // nobody in the roster who could withdraw
			}
			if e.Erased {
				return dexetl("withdraw", e.ParticipantID, "--erase", "--reason", statedAgain)
			}
			return withdrawAgain(e.ParticipantID, e.EffectiveAt, e.Known)
		}),
		on(err, func(e *state.AuditError) step {
			if e.Ahead {
				return dexetl("repair")
			}
			return nil
		}),
		on(err, erasureNext), on(err, presentNext), on(err, notRemovableNext), on(err, lostMemoryNext), on(err, trailNext), on(err, forgottenNext), consentNext(err))
}

// leftOutNext is about participants who were named.
func leftOutNext(e *study.LeftOutError) step {
	switch e.Kind {
	case study.LeftOutPaused:
		return dexetl("participants", "resume", e.Participants[0])
	case study.LeftOutOver:
		return dexetl("participants", "list")
	}
	return nil
}

// consentNext is what brings the participant of err in again.
func consentNext(err error) step {
	connect := func(participantID string) step { return dexetl("connect", participantID) }
	return firstStep(
		on(err, func(e *consent.DeniedError) step { return connect(e.ParticipantID) }),
		on(err, func(e *consent.NeedsReconsentError) step { return connect(e.ParticipantID) }),
		on(err, func(e *consent.OtherAccountError) step {
			if !e.Answered {
				return nil
			}
			return append(connect(e.ParticipantID), "--confirm")
		}),
		on(err, disownedNext),
		on(err, func(e *consent.SealError) step { return connect(e.ParticipantID) }),
		on(err, func(e *consent.NotConfirmedError) step { return connect(e.ParticipantID) }),
		on(err, func(e *consent.CodeError) step { return connect(e.ParticipantID) }))
}

// forgottenNext is the command that gets the first of it right, nil if that takes a file.
func forgottenNext(e *study.ForgottenError) step {
	f := e.List[0]
	switch {
	case f.Subject == "withdrawal":
		return withdrawAgain(f.ParticipantID, f.EffectiveAt, f.Known)
	case f.Subject == "erasure":
		return dexetl("withdraw", f.ParticipantID, "--erase", "--reason", statedAgain)
	case f.Subject == "connection":
		return dexetl("participants", "close", f.ParticipantID)
	case f.Subject == "window", f.Subject == "exclusion":
		return nil
	case f.Deleted:
		return dexetl("participants", "pause", f.ParticipantID, "--deleted")
	case f.Removed:
		return dexetl("participants", "remove", f.ParticipantID)
	case f.Paused:
		return dexetl("participants", "pause", f.ParticipantID)
	case f.Resumed:
		return dexetl("participants", "resume", f.ParticipantID)
	}
	return nil
}

// statedAgain is the reason of what is recorded a second time: a state that was lost had it.
const statedAgain = "stated again"

// withdrawAgain is the command that records a withdrawal that the state has lost, or
// has from another instant. The earlier one holds: no next command brings data back.
func withdrawAgain(participantID string, effective, known time.Time) step {
	if !known.IsZero() && known.Before(effective) {
		effective = known
	}
	return dexetl("withdraw", participantID, "--effective", effective.UTC().Format(time.RFC3339Nano), "--reason", statedAgain)
}

// lostMemoryNext goes on with the state as it is, where nobody has withdrawn.
func lostMemoryNext(e *study.LostMemoryError) step {
	if len(e.Withdrawn) > 0 {
		return nil // nobody but the study's people knows since when
	}
	return dexetl("repair")
}

// trailNext shows the trail as that snapshot has it.
func trailNext(e *study.TrailError) step {
	return dexetl("query", "--snapshot", fmt.Sprint(e.Snapshot), "from audit")
}

// disownedNext is what brings the participant of e in again, where no backup does.
func disownedNext(e *consent.OwnerError) step {
	switch {
	case e.Aside:
		return dexetl("connect", e.ParticipantID, "--confirm")
	case e.Kind == "link":
		return dexetl("invite", e.ParticipantID, "--revoke")
	}
	return dexetl("connect", e.ParticipantID)
}

// notRemovableNext is what ends the part of somebody who stays in the roster.
func notRemovableNext(e *consent.NotRemovableError) step {
	switch e.Bar {
	case consent.BarSigningIn:
		return again()
	case consent.BarAnswered:
		return dexetl("participants", "pause", e.ParticipantID)
	case consent.BarWithdrawn:
		return dexetl("participants", "show", e.ParticipantID)
	}
	return dexetl("withdraw", e.ParticipantID)
}
