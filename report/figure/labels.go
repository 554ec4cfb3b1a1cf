package figure

// longestLabel is how many characters of a name stand beside a row of a map.
const longestLabel = 20

// rowLabels are the names of rows as they stand beside them. Where one is too long, all
// such are shortened in a way in which they stay apart: to their beginning and end, to their
// end, or to their beginning; where none does that, they are written whole.
func rowLabels(rows []HeatRow) []string {
	const half = longestLabel / 2
	for _, shorten := range []func(string) string{
		func(name string) string { return name[:half] + "…" + name[len(name)-half+1:] },
		func(name string) string { return "…" + name[len(name)-longestLabel+1:] },
		func(name string) string { return name[:longestLabel-1] + "…" },
	} {
		if labels, apart := labelsBy(rows, shorten); apart {
			return labels
		}
	}
	labels, _ := labelsBy(rows, func(name string) string { return name })
	return labels
}

// labelsBy are the labels of rows, and whether they are all different.
func labelsBy(rows []HeatRow, shorten func(string) string) (labels []string, apart bool) {
	seen := map[string]bool{}
	for _, row := range rows {
		label := row.Name
		if len(label) > longestLabel {
			label = shorten(label)
		}
		labels, seen[label] = append(labels, label), true
	}
	return labels, len(seen) == len(labels)
}

// widthOf is how wide a label of 12 px is at most, in the fonts of the style sheet.
func widthOf(label string) (width float64) {
	for _, r := range label {
		switch {
		case r == 'm' || r == 'w' || r == 'M' || r == 'W' || r == '…':
			width += 12
		case r >= 'A' && r <= 'Z':
			width += 9
		default:
			width += 7
		}
	}
	return width
}
