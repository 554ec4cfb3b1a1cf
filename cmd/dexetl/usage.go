package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/plain"
)

// What the parser of flags says: it has no types for its errors.
const (
	saysUnknown = "flag provided but not defined: -"
	saysNoValue = "flag needs an argument: "
)

var saysInvalid = regexp.MustCompile(`(?s)^invalid value (".*") for flag -(\S+): (.*)$`)

// wrongFlag says in plain words what the parser of c's flags says in Go's.
func wrongFlag(c *cli.Command, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, saysUnknown); ok {
		return unknownFlag(c, name)
	}
	if flag, ok := strings.CutPrefix(text, saysNoValue); ok {
		return fmt.Errorf("%s needs a value", flag)
	}
	if m := saysInvalid.FindStringSubmatch(text); m != nil {
		if strings.HasPrefix(m[3], m[1]) || strings.HasPrefix(m[3], strings.Trim(m[1], `"`)+" ") {
			return fmt.Errorf("--%s: %s", m[2], m[3])
		}
		return fmt.Errorf("--%s %s: %s", m[2], m[1], withoutGo(m[3]))
	}
	return err
}

// withoutGo is what is wrong with a value, where Go's own words say it in theirs.
func withoutGo(text string) string {
	switch {
	case text == "parse error":
		return "neither true nor false"
	case strings.HasPrefix(text, "strconv."):
		return "no whole number"
	}
	return text
}

func unknownFlag(c *cli.Command, name string) error {
	if near := plain.Nearest(name, flagNames(c)); near != "" {
		return fmt.Errorf("no flag --%s, did you mean --%s?", name, near)
	}
	return fmt.Errorf("no flag --%s", name)
}

// flagNames are the long names of the flags that c takes, those of every command
// among them.
func flagNames(c *cli.Command) (names []string) {
	for _, f := range append(slices.Clone(c.Flags), c.VisiblePersistentFlags()...) {
		names = append(names, f.Names()[0])
	}
	return names
}

func unknownCommand(c *cli.Command, name string) error {
	var names []string
	for _, sub := range c.VisibleCommands() {
		names = append(names, sub.Name)
	}
	if near := plain.Nearest(name, names); near != "" {
		return failure(exitUsage, helpOf(c), "no command %q, did you mean %q?", name, near)
	}
	if c.Root() == c { // the help lists them
		return failure(exitUsage, helpOf(c), "no command %q", name)
	}
	return failure(exitUsage, helpOf(c), "no command %q: %s has %s", name, c.Name, strings.Join(names, ", "))
}

// askedForHelp is args, or where --help is anywhere in them, the command line that
// shows the help of their command and nothing else: neither what stands before it nor
// what is wrong there hides it.
func askedForHelp(root *cli.Command, args []string) []string {
	words := args[1:]
	if end := slices.Index(words, "--"); end >= 0 {
		words = words[:end]
	}
	isHelp := func(word string) bool { return word == "--help" || word == "-h" }
	asked := slices.ContainsFunc(words, isHelp)
	c, shown, unknown := root, args[:1:1], ""
	for i, word := range words {
		switch sub := c.Command(word); {
		case strings.HasPrefix(word, "-") || i > 0 && words[i-1] == "--study":
		case sub != nil:
			c, shown = sub, append(shown, word)
		case c == root && word == "help":
			asked = true
		case c == root && unknown == "":
			unknown = word
		}
	}
	switch {
	case !asked || len(shown) > 1 && shown[1] == completeName:
		return args
	case unknown != "":
		return append(args[:1:1], unknown) // which is told
	}
	return append(shown, "--help")
}
