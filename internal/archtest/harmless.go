package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Harmless are packages that give out words and can change nothing: neither a severity nor a status, a route or a silence. What is written
// about the world outside may come from anybody, so nobody who reads it may have a hand on anything.
type Harmless struct {
	In     []string // patterns
	Never  []string // packages they may not import, ours and others
	Tables []string // that they may write to; none: they have no database
	Asks   []string // methods that the interfaces they declare may have
	Calls  []string // functions that they may be given, as fields: whoever gives one out lends a hand; nil: any
}

// gormWrites are the methods by which gorm changes rows, and the ways to a transaction of one's own.
var gormWrites = []string{"Create", "CreateInBatches", "Save", "Update", "Updates", "UpdateColumn", "UpdateColumns", "FirstOrCreate", "Delete", "InTx", "From"}

func checkHarmless(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, p := range t.Packages {
		for _, h := range r.Harmless {
			if !matchesAny(h.In, p.Path) {
				continue
			}
			for _, f := range p.Files {
				if !f.Test {
					out = append(out, h.check(f)...)
				}
			}
			break
		}
	}
	return out
}

func (h Harmless) check(f *File) []Violation {
	var out []Violation
	report := func(what string) {
		out = append(out, Violation{"harmless", f.Path, what, "let it give out words, and let internal/server or a node do what has to be done"})
	}
	for _, i := range f.Imports {
		if matchesAny(h.Never, i.Path) && !matchesAny(h.In, i.Path) { // parts of itself are held to the same
			report("who analyses imports " + i.Path)
		}
	}
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			h.call(n, report)
		case *ast.InterfaceType:
			h.asks(n, report)
		case *ast.StructType:
			h.given(n, report)
		case *ast.BasicLit:
			if table := h.sql(n); table != "" {
				report("who analyses writes " + table)
			}
		}
		return true
	})
	return out
}

// call looks at what may write: statements of the hot path, and gorm.
func (h Harmless) call(c *ast.CallExpr, report func(string)) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(h.Never) > 0 && len(h.Tables) == 0 {
		return
	}
	if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "storage" {
		if slices.Contains([]string{"Insert", "Update", "Delete"}, sel.Sel.Name) && len(c.Args) > 0 {
			if table, ok := literal(c.Args[0]); !ok || !slices.Contains(h.Tables, table) {
				report(fmt.Sprintf("who analyses writes to the table %q", table))
			}
		}
		return
	}
	if slices.Contains(gormWrites, sel.Sel.Name) {
		report("who analyses calls " + sel.Sel.Name)
	}
}

func (h Harmless) asks(i *ast.InterfaceType, report func(string)) {
	for _, m := range i.Methods.List {
		for _, name := range m.Names {
			if !slices.Contains(h.Asks, name.Name) {
				report("who analyses asks others to " + name.Name)
			}
		}
	}
}

// given looks at functions that others put in.
func (h Harmless) given(s *ast.StructType, report func(string)) {
	if h.Calls == nil {
		return
	}
	for _, f := range s.Fields.List {
		if _, ok := f.Type.(*ast.FuncType); !ok {
			continue
		}
		for _, name := range f.Names {
			if !slices.Contains(h.Calls, name.Name) {
				report("who analyses is given " + name.Name)
			}
		}
	}
}

// sql finds statements that change something, in texts.
func (h Harmless) sql(l *ast.BasicLit) string {
	s, ok := literal(l)
	if !ok {
		return ""
	}
	words := strings.Fields(strings.ToUpper(s))
	for i, w := range words {
		if i+1 < len(words) && (w == "TRUNCATE" || w == "DROP" || w == "ALTER") && words[i+1] == "TABLE" && i == 0 {
			return w + " TABLE"
		}
		if i+2 < len(words) && (w == "INSERT" && words[i+1] == "INTO" || w == "DELETE" && words[i+1] == "FROM") {
			return strings.Join(words[i:i+3], " ")
		}
		if i+2 < len(words) && w == "UPDATE" && words[i+2] == "SET" && words[i-min(i, 1)] != "DO" {
			return strings.Join(words[i:i+3], " ")
		}
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}
