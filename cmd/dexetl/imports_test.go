package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dexetl/dexetl/"

// allowedImports is the import table of docs/architecture.md: data flows one
// way, so imports flow one way. cmd/dexetl alone may import everything, and
// everybody what is in everybodys.
func allowedImports() map[string][]string {
	study := []string{"extract/dexcom", "extract/raw", "extract/state", "extract/cohort", "extract/consent", "extract/plan", "extract/call", "extract",
		"load", "load/lake", "load/reading", "load/retain", "load/snapshot", "load/verify", "transform", "metrics", "sql", "study/config", "extract/consent/page", "extract/cgmfile", "schemas", "table", "answer", "access", "webhook"}
	api := slices.Concat(study, []string{"study"})
	return map[string][]string{
		"extract/durable":   {},
		"extract/fault":     {},
		"extract/plain":     {},
		"extract/textfile":  {},
		"extract/dexcom":    {},
		"extract/raw":       {},
		"extract/state":     {},
		"access":            {"extract/state"},
		"extract/cohort":    {"extract/state"},
		"extract/consent":   {"extract/dexcom", "extract/state", "extract/cohort"},
		"extract/plan":      {"extract/dexcom", "extract/raw"},
		"extract/call":      {"extract/dexcom", "extract/raw", "extract/state"},
		"extract":           {"extract/dexcom", "extract/raw", "extract/state", "extract/cohort", "extract/consent", "extract/plan", "extract/call"},
		"extract/cgmfile":   {},
		"extract/dexsim":    {},
		"transform":         {"extract/dexcom"},
		"webhook":           {"extract/state", "access"},
		"metrics":           {},
		"sql":               {},
		"load/lake":         {"transform", "extract/dexcom", "extract/raw"},
		"load/snapshot":     {"transform", "sql", "extract/dexcom", "extract/raw", "load/lake"},
		"load/reading":      {},
		"load/retain":       {"transform", "extract/dexcom", "extract/raw", "load/lake"},
		"load/verify":       {"transform", "extract/dexcom", "extract/raw", "load/lake"},
		"serve":             {},
		"serve/api":         api,
		"serve/tables":      slices.Concat(api, []string{"serve/api", "study/frozen"}),
		"serve/vital":       slices.Concat(api, []string{"serve/api", "study/frozen"}),
		"serve/api/apitest": slices.Concat(api, []string{"serve/api", "study/frozen"}),
		"load": {"transform", "metrics", "sql", "extract/dexcom", "extract/raw",
			"load/lake", "load/reading", "load/snapshot"},
		"schemas":                       {"extract/dexcom", "extract/raw", "transform", "load/lake", "load/snapshot", "sql"},
		"table":                         {},
		"answer":                        {"schemas", "table", "load/lake", "load/snapshot", "transform", "sql", "extract/dexcom", "extract/raw", "extract/call", "extract/state", "study/config"},
		"study/config":                  {"extract/dexcom"},
		"study":                         study,
		"study/frozen":                  api,
		"study/backup":                  slices.Concat(api, []string{"export"}),
		"export":                        api,
		"report":                        slices.Concat(api, []string{"report/page", "report/figure", "report/number"}),
		"report/page":                   {"report/figure", "report/number", "metrics"},
		"report/figure":                 {"report/number", "metrics"},
		"report/number":                 {"metrics"},
		"extract/fault/disk":            {},
		"extract/consent/page/chromium": {},
		"extract/consent/page":          {"extract/dexcom", "extract/state", "extract/cohort", "extract/consent"},
	}
}

// everybodys are the packages that everybody may import.
func everybodys() []string {
	return []string{"extract/durable", "extract/fault", "extract/plain", "extract/textfile"}
}

// The flow is one-way: no package reaches, directly or through others, a
// package that the table does not grant it, and no package is outside the table.
func TestImportsFollowTheTable(t *testing.T) {
	command := exec.Command("go", "list", "-f", "{{.ImportPath}}: {{join .Deps \" \"}}", module+"...")
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	allowed := allowedImports()
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		path, deps, _ := strings.Cut(strings.TrimSpace(line), ":")
		name := strings.TrimPrefix(path, module)
		if name == "cmd/dexetl" {
			continue
		}
		grants, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the import table", name)
		}
		seen[name] = true
		for _, dep := range strings.Fields(deps) {
			if ours, ok := strings.CutPrefix(dep, module); ok && !slices.Contains(everybodys(), ours) && !slices.Contains(grants, ours) {
				t.Errorf("%s depends on %s: the table grants it %v", name, ours, grants)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("the import table names %s, which does not exist", name)
		}
	}
}
