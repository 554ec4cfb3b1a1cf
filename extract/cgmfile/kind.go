package cgmfile

// A Kind is a way in which a file cannot be read.
type Kind uint8

// Kinds of problems.
const (
	EmptyFile Kind = iota
	NoRows
	NotText
	LineBeforeHeader
	NoHeader
	MissingColumn
	DoubleColumn
	Comment
	Ragged
	CutOff
	OpenQuote
	StrayQuote
	LongLine
	NotUTF8
	NulByte
	ControlCharacter
	NoID
	NoTime
	NotATime
	DayOrMonthFirst
	TwoDigitYear
	YearOutOfRange
	NoSuchDay
	NoSuchTime
	NoSuchOffset
	TooFine
	MixedOffsets
	NotANumber
	WordForValue
)

// String is what a message says of what was found.
func (k Kind) String() string {
	return [...]string{
		EmptyFile:        "the file is empty",
		NoRows:           "there is a header and no row",
		NotText:          "is no text",
		LineBeforeHeader: "stands before the header",
		NoHeader:         "is a row where the header should be",
		MissingColumn:    "is a header that lacks columns",
		DoubleColumn:     "is there twice",
		Comment:          "is a comment, not a row",
		Ragged:           "are not as many as the header has",
		CutOff:           "is where the last line ends, cut off",
		OpenQuote:        "opens a quote that is not closed",
		StrayQuote:       "has a quote where none may be",
		LongLine:         "the line is longer than 1 MiB",
		NotUTF8:          "is not UTF-8",
		NulByte:          "has a zero byte",
		ControlCharacter: "has a line break or another control character",
		NoID:             "the id is missing",
		NoTime:           "the time is missing",
		NotATime:         "is not a time",
		DayOrMonthFirst:  "may have the day or the month first",
		TwoDigitYear:     "has a year of two digits",
		YearOutOfRange:   "is in no year from 1970 to 2199",
		NoSuchDay:        "is no day of the calendar",
		NoSuchTime:       "is no time of the day",
		NoSuchOffset:     "has no offset from UTC that a clock can have",
		TooFine:          "is finer than a microsecond",
		MixedOffsets:     "is not written as this person's times before",
		NotANumber:       "is not a number",
		WordForValue:     "is a word for a value beyond the range of the sensor",
	}[k]
}
