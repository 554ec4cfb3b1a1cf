package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/dexetl/dexetl/study/config"
)

// openBrowser opens address in a browser of this machine where somebody sits at
// it. Whether that works is nobody's concern: the address was printed.
func (p *program) openBrowser(address string) {
	if !isTerminal(p.stderr) {
		return
	}
	for _, command := range browserCommands(runtime.GOOS, p.getenv, address) {
		if launch(command) == nil {
			return
		}
	}
}

// browserCommands lists the commands that may open address on a system, the
// best first: those of $BROWSER (separated by colons, with %s or not), else the
// system's own. Without a screen there are none.
func browserCommands(goos string, getenv func(string) string, address string) [][]string {
	if browsers := getenv("BROWSER"); browsers != "" {
		var commands [][]string
		for one := range strings.SplitSeq(browsers, ":") {
			if words := strings.Fields(one); len(words) > 0 {
				commands = append(commands, withAddress(words, address))
			}
		}
		return commands
	}
	switch goos {
	case "darwin":
		return [][]string{{"open", address}}
	case "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}
	}
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	return [][]string{{"xdg-open", address}}
}

// withAddress puts the address in the place of %s, else at the end. Each word
// stays one argument: no shell sees the address.
func withAddress(words []string, address string) []string {
	placed := false
	for i, word := range words {
		if strings.Contains(word, "%s") {
			words[i], placed = strings.ReplaceAll(word, "%s", address), true
		}
	}
	if !placed {
		words = append(words, address)
	}
	return words
}

// launch starts a command that may outlive this one, detached from its streams.
func launch(command []string) error {
	browser := exec.Command(command[0], command[1:]...)
	browser.Env = config.WithoutOurs(os.Environ())
	if err := browser.Start(); err != nil {
		return err
	}
	go browser.Wait() // leaves no zombie
	return nil
}
