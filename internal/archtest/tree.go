package archtest

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tree is a module's source, parsed.
type Tree struct {
	Module   string
	Top      []string // names at the root that git does not ignore
	Files    []string // every file outside hidden folders, as paths below the root
	Packages []*Package
	fset     *token.FileSet
}

// Package is the Go files of one folder, tests included.
type Package struct {
	Path  string // below the root
	Files []*File
}

// File is one Go file.
type File struct {
	Path      string
	Syntax    *ast.File
	Lines     int
	Test      bool
	Generated bool
	Imports   []Import
}

// Import is one import of a file.
type Import struct {
	Path  string // below the root when Own, else as written
	Own   bool
	Blank bool
}

// Load reads the module at the root of files. It skips hidden folders, testdata and what the root's .gitignore names.
func Load(files fs.FS) (*Tree, error) {
	mod, err := fs.ReadFile(files, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("load the tree: %w", err)
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	t := &Tree{Module: strings.TrimSpace(strings.TrimPrefix(first, "module ")), fset: token.NewFileSet()}
	ignored, err := ignoredNames(files)
	if err != nil {
		return nil, err
	}
	packages := map[string]*Package{}
	err = fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || p == ".":
			return err
		case slices.Contains(ignored, p):
			return skip(d)
		}
		if !strings.Contains(p, "/") {
			t.Top = append(t.Top, p)
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return fs.SkipDir
			}
			return nil
		}
		t.Files = append(t.Files, p)
		if path.Ext(p) != ".go" || strings.Contains("/"+p, "/testdata/") {
			return nil
		}
		f, err := t.parse(files, p)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		if packages[dir] == nil {
			packages[dir] = &Package{Path: dir}
			t.Packages = append(t.Packages, packages[dir])
		}
		packages[dir].Files = append(packages[dir].Files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the tree: %w", err)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return cmp.Compare(a.Path, b.Path) })
	return t, nil
}

// Package returns the package in folder, nil when there is none.
func (t *Tree) Package(folder string) *Package {
	for _, p := range t.Packages {
		if p.Path == folder {
			return p
		}
	}
	return nil
}

func (t *Tree) parse(files fs.FS, name string) (*File, error) {
	src, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{
		Path: name, Syntax: syntax, Lines: bytes.Count(src, []byte("\n")),
		Test: strings.HasSuffix(name, "_test.go"), Generated: ast.IsGenerated(syntax),
	}
	for _, spec := range syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		own, isOwn := strings.CutPrefix(p, t.Module+"/")
		f.Imports = append(f.Imports, Import{Path: own, Own: isOwn, Blank: spec.Name != nil && spec.Name.Name == "_"})
	}
	return f, nil
}

// ignoredNames reads the plain names out of .gitignore; patterns are not for top-level folders.
func ignoredNames(files fs.FS) ([]string, error) {
	b, err := fs.ReadFile(files, ".gitignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load the tree: %w", err)
	}
	var names []string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if name := strings.Trim(strings.TrimSpace(s.Text()), "/"); name != "" && !strings.ContainsAny(name, "#*?[!") {
			names = append(names, name)
		}
	}
	return names, nil
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}
