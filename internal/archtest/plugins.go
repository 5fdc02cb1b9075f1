package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

func checkPlugins(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, kind := range r.Plugins {
		for _, p := range t.Packages {
			if path.Dir(p.Path) != kind.In || slices.Contains(kind.Except, path.Base(p.Path)) {
				continue
			}
			out = append(out, kind.check(t, p)...)
		}
	}
	return out
}

func (k Plugins) check(t *Tree, p *Package) []Violation {
	var out []Violation
	report := func(what, do string) { out = append(out, Violation{"plugins", p.Path, what, do}) }
	name := path.Base(p.Path)
	if !slices.Contains(t.Files, p.Path+"/README.md") {
		report("no README.md", "write one: vendor page and version, origin of the samples, settings, a curl to try, known gaps")
	}
	if !slices.ContainsFunc(p.Files, func(f *File) bool { return path.Base(f.Path) == name+".go" }) {
		report("no "+name+".go", "name the file with New and the assertion after the plugin")
	}
	if !slices.ContainsFunc(p.Files, func(f *File) bool { return f.Test }) {
		report("no test", "run the suite of the contract over it in "+name+"_test.go")
	}
	if k.Testdata && !slices.ContainsFunc(t.Files, func(f string) bool { return strings.HasPrefix(f, p.Path+"/testdata/") }) {
		report("no testdata", "add testdata/<case>/input.json with want.json or want.err")
	}
	if !slices.ContainsFunc(p.Files, k.asserted) {
		wanted := k.Interface
		if wanted == "" {
			wanted = "Contract"
		}
		report("nothing asserts that it meets its contract",
			"add: var _ "+path.Base(k.Contract)+"."+wanted+" = … to a file that is no test")
	}
	registry := t.Package(k.Registry)
	if registry == nil || !slices.ContainsFunc(registry.Files, func(f *File) bool {
		return !f.Test && slices.ContainsFunc(f.Imports, func(i Import) bool { return i.Own && i.Path == p.Path })
	}) {
		report("not listed in "+k.Registry, "add its line to the registry, or remove the folder")
	}
	return out
}

// asserted finds a declaration such as: var _ drivers.Driver = Driver{}.
func (k Plugins) asserted(f *File) bool {
	if f.Test {
		return false
	}
	for _, d := range f.Syntax.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok || v.Names[0].Name != "_" || len(v.Values) == 0 {
				continue
			}
			of, ok := v.Type.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			pkg, ok := of.X.(*ast.Ident)
			if ok && pkg.Name == path.Base(k.Contract) && (k.Interface == "" || of.Sel.Name == k.Interface) {
				return true
			}
		}
	}
	return false
}
