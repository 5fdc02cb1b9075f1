// Package archtest holds the rules on where things live and who may import whom, as data, with the code that checks a
// tree against them. Its tests check this repository; CONTRIBUTING.md tells the rules in prose.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is one breach of a rule, worded for whoever has to mend it.
type Violation struct {
	Rule  string // one of the names in rules
	Where string // path below the root
	What  string // what is wrong
	Do    string // how to mend it
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s [rule %s]. To do: %s.", v.Where, v.What, v.Rule, v.Do)
}

// Rules are what a tree is checked against. Default has this repository's.
type Rules struct {
	Top       []string // names allowed at the root
	Apps      []string // names allowed in apps
	Internal  []string // names allowed in internal
	BadNames  []string // package names that say nothing
	Blank     []string // packages that may be imported for their side effects
	FileLines int      // most lines of a file written by hand, tests aside
	Imports   []Row    // the first row that fits a package counts
	Plugins   []Plugins
	Harmless  []Harmless // the first that fits a package counts
}

// Row says what packages may import of ours. Patterns are paths below the root, where * is any one name and a last ...
// is whatever follows, nothing included. A package may always import what lies below itself.
type Row struct {
	From    []string
	May     []string
	InTests []string // in addition to May and testExtras
	StdOnly bool     // no libraries either
	Because string   // for the message: what to do instead
}

// Plugins is a kind of plugin: a folder each, one line in the registry.
type Plugins struct {
	In        string   // the folder the plugins are in
	Except    []string // names in there that are no plugins
	Contract  string   // the package that declares the interface
	Interface string   // its name; "" for any of the contract
	Registry  string
	Testdata  bool // cases as folders under testdata
}

// Check returns all violations, ordered by place.
func Check(t *Tree, r Rules) []Violation {
	var all []Violation
	for _, check := range []func(*Tree, Rules) []Violation{
		checkLayout, checkImports, checkPlugins, checkComments, checkSize, checkState, checkHarmless,
	} {
		all = append(all, check(t, r)...)
	}
	slices.SortStableFunc(all, func(a, b Violation) int { return strings.Compare(a.Where, b.Where) })
	return all
}

// matches reports whether path fits pattern, see Row.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	for i, w := range want {
		if w == "..." {
			return true
		}
		if i >= len(got) || w != "*" && w != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}
