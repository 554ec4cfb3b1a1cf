package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// on answers for errors of type T in what err is made of.
func on[T error](err error, answer func(T) string) string {
	if e, ok := errors.AsType[T](err); ok {
		return answer(e)
	}
	return ""
}

// firstOf is the first answer that is not "".
func firstOf(answers ...string) string {
	for _, a := range answers {
		if a != "" {
			return a
		}
	}
	return ""
}

// adviceOf is the advice of an error that knows what it is about, "" for others.
func adviceOf(err error) string {
	return firstOf(
		on(err, func(e *config.TrustError) string {
			return "look into " + config.File + "; if you trust whoever wrote it, set " + plain.ShellLine([]string{config.TrustVariable + "=" + e.Dir})
		}),
		on(err, func(e *state.AuditError) string {
			if !e.Ahead {
				return ""
			}
			return "keep " + state.AuditFile + "; if state.db came from a backup, dexetl doctor says under state's age what it does not know; else lines were added"
		}),
		on(err, secretAdvice),
		on(err, func(e *study.RedirectsElsewhereError) string {
			public, _ := url.Parse(e.PublicURL) // checked with the configuration
			return fmt.Sprintf("register %s://%s/callback with the app at Dexcom and set it as redirect_uri", public.Scheme, public.Host)
		}),
		on(err, func(e *study.LeftOutError) string {
			if e.Kind == study.LeftOutWithdrawn {
				return "leave the participant out"
			}
			return ""
		}))
}

// secretAdvice says what gives a secret.
func secretAdvice(e *study.SecretError) string {
	switch e.Fault {
	case study.SecretUnset:
		return "set " + e.From + " in " + config.File
	case study.CredentialUnread:
		return "correct the unit's LoadCredential"
	case study.SecretCommandFailed:
		return "run " + e.From + " by hand"
	case study.SecretEmpty:
		return "make it give the app's secret"
	case study.NoSecretFile:
		return "write the app's secret into " + e.From + " (mode 0600)"
	}
	return ""
}

// nextOf is the next command for an error that knows whom or what it is about,
// "" for others.
func nextOf(err error) string {
	connect := func(participantID string) string { return "dexetl connect " + participantID }
	return firstOf(
		on(err, func(e *config.TrustError) string {
			if e.Owner != "" {
				return "" // it takes a decision
			}
			return plain.ShellLine([]string{"chmod", "go-w", e.Path})
		}),
		on(err, func(e *study.SecretError) string {
			if e.Fault == study.SecretFileOpen {
				return plain.ShellLine([]string{"chmod", "600", e.From})
			}
			return ""
		}),
		on(err, func(e *study.NobodyError) string {
			if e.EmptyRoster {
				return "dexetl participants import roster.csv"
			}
			return ""
		}),
		on(err, func(e *study.LeftOutError) string {
			switch e.Kind {
			case study.LeftOutPaused:
				return "dexetl participants resume " + e.Participants[0]
			case study.LeftOutOver:
				return "dexetl participants list"
			}
			return ""
		}),
		on(err, func(e *study.ForeignLakeError) string {
			if e.KeyUnset {
				return "dexetl connect --public-key  # if it is this study's, with its sealing key in place"
			}
			return ""
		}),
		on(err, func(e *consent.KeyModeError) string { return plain.ShellLine([]string{"chmod", "600", e.Path}) }),
		on(err, func(e *consent.DeniedError) string {
			return connect(e.ParticipantID) + "  # when the participant agrees"
		}),
		on(err, func(e *study.NoWindowError) string {
			if e.Near == "" {
				return ""
			}
			return "dexetl metrics --window " + e.Near
		}),
		on(err, func(e *study.NoSubjectError) string {
			switch {
			case e.Participant != "":
				return "dexetl audit " + e.Participant
			case e.Near != "":
				return "dexetl audit --subject " + e.Near
			}
			return ""
		}),
		on(err, func(e *study.TextsError) string {
			if e.Read {
				return "dexetl connect --print-texts  # to compare with"
			}
			return "dexetl connect --print-texts > " + e.Path
		}),
		on(err, func(e *study.HeadError) string {
			if e.Unreadable {
				return "dexetl audit head"
			}
			return ""
		}),
		on(err, func(*study.UnknownWithdrawnError) string { return "dexetl participants import roster.csv" }),
		on(err, func(e *load.ForgottenWithdrawalError) string {
			return withdrawAgain(e.ParticipantID, e.EffectiveAt, e.Known)
		}),
		on(err, notRemovableNext), on(err, lostMemoryNext), on(err, trailNext), on(err, forgottenNext),
		on(err, func(e *consent.NeedsReconsentError) string { return connect(e.ParticipantID) }),
		on(err, func(e *consent.OtherAccountError) string {
			if !e.Answered {
				return ""
			}
			return connect(e.ParticipantID) + " --confirm --reason TEXT"
		}),
		on(err, disownedNext),
		on(err, func(e *consent.SealError) string { return connect(e.ParticipantID) }),
		on(err, func(e *consent.NotConfirmedError) string { return connect(e.ParticipantID) }),
		on(err, func(e *consent.CodeError) string { return connect(e.ParticipantID) }))
}

// forgottenNext is the command that gets the first of it right.
func forgottenNext(e *study.ForgottenError) string {
	f := e.List[0]
	switch {
	case f.Subject == "withdrawal":
		return withdrawAgain(f.ParticipantID, f.EffectiveAt, f.Known)
	case f.Subject == "connection":
		return "dexetl participants close " + f.ParticipantID
	case f.Subject == "window":
		return "dexetl windows import windows.csv"
	case f.Subject == "exclusion":
		return "dexetl exclusions import exclusions.csv"
	case f.Removed:
		return "dexetl participants remove " + f.ParticipantID
	case f.Paused:
		return "dexetl participants pause " + f.ParticipantID
	case f.Resumed:
		return "dexetl participants resume " + f.ParticipantID
	}
	return "dexetl participants import roster.csv"
}

// withdrawAgain is the command that records a withdrawal that the state has lost, or
// has from another instant.
func withdrawAgain(participantID string, effective, known time.Time) string {
	words := []string{"dexetl", "withdraw", participantID, "--effective", effective.UTC().Format(time.RFC3339Nano), "--reason", "TEXT"}
	if !known.IsZero() && effective.After(known) {
		words = append(words, "--bring-back")
	}
	return plain.ShellLine(words)
}

// lostMemoryNext is a command that goes on where there is no backup.
func lostMemoryNext(e *study.LostMemoryError) string {
	if len(e.Withdrawn) > 0 {
		return "dexetl withdraw " + e.Withdrawn[0] + " --effective TIME --reason TEXT"
	}
	return "dexetl replay  # goes on with state.db as it is, if that is the newest"
}

func trailNext(e *study.TrailError) string {
	return fmt.Sprintf("dexetl query --snapshot %d \"from audit\"  # the trail as that snapshot has it", e.Snapshot)
}

// disownedNext is what brings the participant of e in again, where no backup does.
func disownedNext(e *consent.OwnerError) string {
	switch {
	case e.Aside:
		return "dexetl connect " + e.ParticipantID + " --confirm --reason TEXT"
	case e.Kind == "link":
		return "dexetl invite " + e.ParticipantID + " --revoke"
	}
	return "dexetl connect " + e.ParticipantID
}

// notRemovableNext is what ends somebody's part who stays in the roster.
func notRemovableNext(e *consent.NotRemovableError) string {
	switch e.Bar {
	case consent.BarSigningIn:
		return sameCommand
	case consent.BarAnswered:
		return "dexetl participants pause " + e.ParticipantID
	case consent.BarWithdrawn:
		return "dexetl participants show " + e.ParticipantID
	}
	return "dexetl withdraw " + e.ParticipantID + " --reason TEXT"
}
