package archtest

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// checkState keeps hidden state out: init functions, imports for their side effects, package variables that change.
// A variable that changes itself, through its own methods or a pointer, goes unseen.
func checkState(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, p := range t.Packages {
		var syntax []*ast.File
		for _, f := range p.Files {
			if f.Test {
				continue
			}
			syntax = append(syntax, f.Syntax)
			out = append(out, checkInit(f)...)
			for _, i := range f.Imports {
				if i.Blank && !slices.Contains(r.Blank, i.Path) {
					out = append(out, Violation{
						"state", f.Path, "imports " + i.Path + " for its side effects",
						"register explicitly, in a registry or in internal/server",
					})
				}
			}
		}
		out = append(out, t.checkVariables(p.Path, syntax)...)
	}
	return out
}

func checkInit(f *File) []Violation {
	var out []Violation
	for _, d := range f.Syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && !f.Generated {
			out = append(out, Violation{
				"state", f.Path, "has an init function", "do it in a constructor that somebody calls",
			})
		}
	}
	return out
}

// checkVariables looks for assignments to package variables. It type-checks without imports: names of the package
// itself resolve all the same.
func (t *Tree) checkVariables(path string, files []*ast.File) []Violation {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	pkg, _ := config.Check(path, t.fset, files, info) // errors are sure to come and say nothing: nothing was imported
	var out []Violation
	report := func(target ast.Expr) {
		id := root(target)
		if v, ok := info.Uses[id].(*types.Var); ok && pkg != nil && v.Parent() == pkg.Scope() {
			out = append(out, Violation{
				"state", t.fset.Position(id.Pos()).Filename, "changes the package variable " + id.Name,
				"make it a field of something that a constructor returns",
			})
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, target := range n.Lhs {
						report(target)
					}
				}
			case *ast.IncDecStmt:
				report(n.X)
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear") && len(n.Args) > 0 {
					report(n.Args[0])
				}
			}
			return true
		})
	}
	return out
}

// root is the variable at the bottom of x, x.f, x[i], *x; nil when there is none.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }
