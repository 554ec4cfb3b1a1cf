package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
)

// fileFlags say how an id,time,gl file is to be read.
type fileFlags struct{ columns, unit string }

// flags are the flags beside --flag, which names the file.
func (o *fileFlags) flags(flag string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "columns", Usage: "`NAMES` of the columns of --" + flag + ", as id=…,time=…,gl=…", Destination: &o.columns},
		&cli.StringFlag{Name: "unit", Usage: "`UNIT` of the values of --" + flag + ": mg/dL (default) or mmol/L", Destination: &o.unit},
	}
}

// unused refuses flags about a file that is not given.
func (o *fileFlags) unused(flag string) error {
	for name, value := range map[string]string{"columns": o.columns, "unit": o.unit} {
		if value != "" {
			return usage("--%s is about the file of --%s", name, flag)
		}
	}
	return nil
}

func (o *fileFlags) format() (f cgmfile.Format, err error) {
	if o.columns != "" {
		if f.Columns, err = cgmfile.ParseColumns(o.columns); err != nil {
			return f, advised(exitUsage, "such as --columns 'id=Subject,time=Timestamp,gl=Glucose'", "--columns: %w", err)
		}
	}
	if o.unit != "" {
		if f.Unit, err = cgmfile.ParseUnit(o.unit); err != nil {
			return f, usage("--unit: %w", err)
		}
	}
	return f, nil
}

// read reads the file of --flag.
func (o *fileFlags) read(flag, path string) (cgmfile.File, error) {
	format, err := o.format()
	if err != nil {
		return cgmfile.File{}, err
	}
	in, err := os.Open(path)
	if err != nil {
		return cgmfile.File{}, usage("--%s: %w", flag, err)
	}
	defer in.Close()
	file, err := format.Read(in)
	if kind := kindInstead(in, err); kind != "" {
		other := &cohort.OtherFileError{File: path, Kind: kind, Wanted: cohort.Readings}
		return file, advised(exitUsage, "the study takes it: "+strings.Join(takenBy(kind, "FILE")[1:], " "), "%w", other)
	}
	if err != nil {
		return file, fileError(fmt.Sprintf("--%s %s", flag, path), err)
	}
	return file, nil
}

// kindInstead is the kind of study file that in is, where it has no readings and err says
// so; "" for none.
func kindInstead(in *os.File, err error) cohort.Kind {
	problems, ok := errors.AsType[*cgmfile.Error](err)
	if !ok || problems.Problems[0].Kind != cgmfile.MissingColumn {
		return ""
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return "" // a pipe
	}
	kind, _ := cohort.KindOf(in) // it is text
	if kind == cohort.Readings {
		return "" // but --columns names others
	}
	return kind
}

// fileError says what to do about a file that cannot be read. What is the flag
// and the file.
func fileError(what string, err error) error {
	if unit, ok := errors.AsType[*cgmfile.UnitError](err); ok {
		return unitError(what, unit)
	}
	if export, ok := errors.AsType[*cgmfile.ExportError](err); ok {
		return advised(exitUsage, exportAdvice(export.Program), "%s: %w", what, err)
	}
	problems, ok := errors.AsType[*cgmfile.Error](err)
	const correct = "correct the file and run the command again; nothing of it was taken"
	switch {
	case !ok:
		return usage("%s: %w", what, err)
	case problems.Problems[0].Kind == cgmfile.MissingColumn:
		return advised(exitUsage, "if they have other names, name them: --columns id=…,time=…,gl=…", "%s: %w", what, err)
	case len(problems.Problems) > 1:
		return advised(exitUsage, correct, "%s:\n%w", what, err)
	}
	return advised(exitUsage, correct, "%s: %w", what, err)
}

// exportAdvice says how the readings of a manufacturer's export can be read.
func exportAdvice(program string) string {
	rows, columns := "the rows of Event Type EGV", "time=Timestamp (YYYY-MM-DDThh:mm:ss),gl=Glucose Value (mg/dL)"
	if program == "LibreView" {
		rows, columns = "the rows of Record Type 0, with times as YYYY-MM-DD hh:mm", "time=Device Timestamp,gl=Historic Glucose mg/dL"
	}
	return "keep its header and " + rows + ", put a column id beside them, and add --columns 'id=id," + columns + "'"
}

// unitError says which unit the values of a file look like.
func unitError(what string, e *cgmfile.UnitError) error {
	const of = "%s: %d of %d values, from line %d on, "
	switch {
	case e.Lines != nil:
		return advised(exitUsage, "write all values of the file in one unit, mg/dL or mmol/L; nothing of it was taken",
			"%s: %d of %d values of %q look like %s (%s), and others do not (line %d)", what, e.Such, e.Values, e.ID, e.Looks, lineList(e.Lines), e.OtherLine)
	case e.ID != "":
		return advised(exitUsage, "write all values of the file in one unit", of+"those of %q, look like %s, and those of others do not",
			what, e.Such, e.Values, e.Line, e.ID, e.Looks)
	case e.Looks == cgmfile.MmolL:
		return advised(exitUsage, "", of+"lie between 1.5 and 33: these look like mmol/L: --unit mmol/L", what, e.Such, e.Values, e.Line)
	}
	return advised(exitUsage, "", of+"lie above 33: these look like mg/dL: leave out --unit mmol/L", what, e.Such, e.Values, e.Line)
}

// lineList is such as: line 2, 4, 5.
func lineList(lines []int) string {
	return "line " + strings.Join(mapped(lines, strconv.Itoa), ", ")
}

// sayReplaced tells of readings at one instant.
func (p *program) sayReplaced(flag, path string, file cgmfile.File) {
	if file.Replaced > 0 {
		p.say("--%s %s: %d of %d readings have the person and the instant of a later one in the file; the last one counts", flag, path, file.Replaced, file.Rows)
	}
}

// sayImplausible tells of values that do not count.
func (p *program) sayImplausible(path string, file cgmfile.File) {
	n := 0
	for _, s := range file.Series {
		for _, x := range s.Samples {
			if !math.IsNaN(x.Value) && !cgmfile.Plausible(x.Value) {
				n++
			}
		}
	}
	if n > 0 {
		p.say("--input %s: %d of %d values are outside 20 to 600 mg/dL, so codes or errors; they count as no value", path, n, file.Rows)
	}
}

// sayOddCadences tells whose values come at another pace than metrics count by.
func (p *program) sayOddCadences(path string, file cgmfile.File) {
	for _, odd := range study.OddCadences(file) {
		p.say("--input %s: values come every %s min and count as every %d: minutes, active_window_pct, active_span_pct, valid_days, sufficient and --select are of that pace (--preset iglu takes the one there is): %s",
			path, strconv.FormatFloat(odd.Step.Minutes(), 'f', -1, 64), odd.Counted, study.ShortList(odd.IDs))
	}
}
