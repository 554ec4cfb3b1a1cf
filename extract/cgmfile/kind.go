package cgmfile

// A Kind is a way in which a file cannot be read: what a message says of what was
// found. The empty Kind is none.
type Kind string

// Kinds of problems.
const (
	EmptyFile        Kind = "the file is empty"
	NoRows           Kind = "there is a header and no row"
	NotText          Kind = "is no text"
	LineBeforeHeader Kind = "stands before the header"
	NoHeader         Kind = "is a row where the header should be"
	MissingColumn    Kind = "is a header that lacks columns"
	DoubleColumn     Kind = "is there twice"
	Comment          Kind = "is a comment, not a row"
	Ragged           Kind = "are not as many as the header has"
	CutOff           Kind = "is where the last line ends, cut off"
	OpenQuote        Kind = "opens a quote that is not closed"
	StrayQuote       Kind = "has a quote where none may be"
	LongLine         Kind = "the line is longer than 1 MiB"
	NotUTF8          Kind = "is not UTF-8"
	NulByte          Kind = "has a zero byte"
	ControlCharacter Kind = "has a line break or another control character"
	NoID             Kind = "the id is missing"
	NoTime           Kind = "the time is missing"
	NotATime         Kind = "is not a time"
	DayOrMonthFirst  Kind = "may have the day or the month first"
	TwoDigitYear     Kind = "has a year of two digits"
	YearOutOfRange   Kind = "is in no year from 1970 to 2199"
	NoSuchDay        Kind = "is no day of the calendar"
	NoSuchTime       Kind = "is no time of the day"
	NoSuchOffset     Kind = "has no offset from UTC that a clock can have"
	TooFine          Kind = "is finer than a microsecond"
	MixedOffsets     Kind = "is not written as this person's times before"
	NotANumber       Kind = "is not a number"
	WordForValue     Kind = "is a word for a value beyond the range of the sensor"
)
