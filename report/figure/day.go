package figure

// A Day is what is known of a participant's day: one of these, the first that fits.
type Day uint8

// The days. Those with readings say how much of the day they cover.
const (
	Unknown   Day = iota // none of the study's, or to come: nothing is drawn
	Little               // readings cover less than half of the day
	Some                 // at least half
	Enough               // at least 70 %, which metrics usually need
	Whole                // at least 90 %
	LeftOut              // there are readings, and an exclusion leaves all of them out
	Valueless            // there are readings, and none has a value
	Unplaced             // there are readings of this date of UTC, and none has a local time
	Withdrawn            // from the withdrawal on
	BeforeConsent
	Apart      // no answer covers the day: they never connected, or nothing is to be asked
	Failed     // an answer could not be applied, or the last fetch failed; never answered
	NeverAsked // Dexcom may have readings, and no answer covers the day
	Pending    // after the newest reading: it may still be uploaded
	NoReading  // answered, and later readings exist or nothing more is waited for
	Empty      // answered, and Dexcom has nothing at all around it
	endOfDays
)

// Days are all kinds that are drawn, in the order of the legend.
func Days() []Day {
	all := make([]Day, 0, endOfDays)
	for d := Little; d < endOfDays; d++ {
		all = append(all, d)
	}
	return all
}

// HasReadings reports whether readings of the day count.
func (d Day) HasReadings() bool { return d >= Little && d <= Whole }

// dayTexts are of each day its class, its name and its rule.
func dayTexts(d Day) [3]string {
	return [endOfDays][3]string{
		Unknown:       {"", "no study day", ""},
		Little:        {"cell-little", "readings, under 50 %", "readings cover less than half of the day"},
		Some:          {"cell-some", "readings, 50 to 70 %", "at least half of it, less than 70 %"},
		Enough:        {"cell-enough", "readings, 70 to 90 %", "at least 70 %, which metrics usually need, less than 90 %"},
		Whole:         {"cell-whole", "readings, 90 % and more", "at least 90 % of the day"},
		LeftOut:       {"cell-left-out", "excluded", "there are readings, and exclusions leave all of them out"},
		Valueless:     {"cell-valueless", "readings without a value", "readings came, and none of them has a value of glucose"},
		Unplaced:      {"cell-unplaced", "readings without local time", "readings came of this date of UTC, and nothing says their local time: a timezone in the roster would"},
		Withdrawn:     {"cell-withdrawn", "after withdrawal", "no readings, and the day begins with or after the withdrawal"},
		BeforeConsent: {"cell-before", "before consent", "no readings, and the day is before the date of consent in the roster"},
		Apart:         {"cell-apart", "not connected or over", "no answer covers it: the participant has never connected, or their part is over and nothing more is asked"},
		Failed:        {"cell-failed", "failed", "no answer covers it: one came and could not be applied, or the last fetch failed"},
		NeverAsked:    {"cell-never", "never asked", "no answer covers it, and Dexcom may have readings"},
		Pending:       {"cell-pending", "pending", "after the newest reading: readings come some hours late, or later still if the phone was offline"},
		NoReading:     {"cell-none", "no reading", "asked, and Dexcom has none, though it has later ones or nothing more is waited for"},
		Empty:         {"cell-empty", "asked and empty", "asked, and Dexcom has no reading in all of what was asked, or says it has none there"},
	}[d]
}

// Class is the class of the day in the style sheet.
func (d Day) Class() string { return dayTexts(d)[0] }

// Words name the day.
func (d Day) Words() string { return dayTexts(d)[1] }

// Rule says when a day is one of these, in words.
func (d Day) Rule() string { return dayTexts(d)[2] }
