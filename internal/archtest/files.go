package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

func checkLayout(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, name := range t.Top {
		if !slices.Contains(r.Top, name) {
			out = append(out, Violation{
				"layout", name, "does not belong at the top",
				"put it into one of the folders there; scripts go to .ci or deploy, pages to docs, build results into .gitignore",
			})
		}
	}
	children := []struct {
		in      string
		allowed []string
	}{{"apps", r.Apps}, {"internal", r.Internal}}
	for _, p := range t.Packages {
		parts := strings.Split(p.Path, "/")
		for _, c := range children {
			if parts[0] == c.in && (len(parts) == 1 || !slices.Contains(c.allowed, parts[1])) {
				out = append(out, Violation{
					"layout", p.Path, "is not one of the known packages of " + c.in,
					"apps are what an operator could name, internal is plumbing; a new one is listed in internal/archtest/rules.go",
				})
			}
		}
		for _, f := range p.Files {
			if name := f.Syntax.Name.Name; slices.Contains(r.BadNames, strings.TrimSuffix(name, "_test")) ||
				slices.Contains(r.BadNames, path.Base(p.Path)) {
				out = append(out, Violation{
					"names", p.Path, fmt.Sprintf("a package called %s says nothing about its content", path.Base(p.Path)),
					"move each type to where it is used",
				})
				break
			}
		}
	}
	return out
}

// checkComments wants one package comment per package: none leaves the reader alone, two contradict each other.
func checkComments(t *Tree, _ Rules) []Violation {
	var out []Violation
	for _, p := range t.Packages {
		var with []string
		code, good := 0, true
		for _, f := range p.Files {
			if f.Test {
				continue
			}
			code++
			if f.Syntax.Doc != nil {
				with = append(with, path.Base(f.Path))
				begin := "Package " + f.Syntax.Name.Name + " "
				if f.Syntax.Name.Name == "main" {
					begin = "Command " + path.Base(p.Path) + " "
				}
				good = good && strings.HasPrefix(f.Syntax.Doc.Text(), begin)
			}
		}
		switch {
		case code == 0:
		case len(with) == 0:
			out = append(out, Violation{"comments", p.Path, "no package comment", "say in one file what the package is for"})
		case len(with) > 1:
			out = append(out, Violation{
				"comments", p.Path, "package comments in " + strings.Join(with, " and "), "keep one; other comments need a blank line before the package clause",
			})
		case !good:
			out = append(out, Violation{
				"comments", p.Path, "the package comment begins with something else than its name",
				"begin it with \"Package <name> \", or \"Command <folder> \" for a main package",
			})
		}
	}
	return out
}

func checkSize(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if !f.Test && !f.Generated && f.Lines > r.FileLines {
				out = append(out, Violation{
					"size", f.Path, fmt.Sprintf("%d lines, more than %d", f.Lines, r.FileLines), "split it by subject",
				})
			}
		}
	}
	return out
}
