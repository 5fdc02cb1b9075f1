//go:build unix

package dbtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// declared lists the variables of the package in folder that hold statements of the hot path. A statement that is built anywhere
// else is an error: it would be prepared anew, and no test would know of it.
func declared(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, path, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		more, elsewhere := variables(file)
		if elsewhere.IsValid() {
			return nil, fmt.Errorf("%s: a statement is built in no package variable", positions.Position(elsewhere))
		}
		names = append(names, more...)
	}
	return names, nil
}

// variables finds the package variables of a file whose values are built by storage, and such a call that is not theirs.
func variables(file *ast.File) (names []string, elsewhere token.Pos) {
	known := map[token.Pos]bool{}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				spec, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, v := range spec.Values {
					if builds(file, v) && len(spec.Names) == len(spec.Values) {
						names = append(names, spec.Names[i].Name)
						known[v.Pos()] = true
					}
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if n != nil && builds(file, n) && !known[n.Pos()] {
			elsewhere = n.Pos()
		}
		return true
	})
	return names, elsewhere
}

// builds reports whether n is a call like storage.Lookup(…).
func builds(file *ast.File, n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Insert", "Update", "Delete", "Lookup"}, f.Sel.Name) {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == importName(file, "github.com/incidenthub/incidenthub/internal/platform/storage")
}

// importName is what file calls a package, "" when it does not import it.
func importName(file *ast.File, path string) string {
	for _, s := range file.Imports {
		if got, err := strconv.Unquote(s.Path.Value); err != nil || got != path {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}
