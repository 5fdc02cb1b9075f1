//go:build unix

package dbtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	const named, plain = `s "github.com/incidenthub/incidenthub/internal/platform/storage"`, `"github.com/incidenthub/incidenthub/internal/platform/storage"`
	for name, tt := range map[string]struct {
		imported, source string
		want             []string
		err              string
	}{
		"each kind": {
			named, `var (
				a    = s.Lookup(nil, "")
				b, c = s.Insert("t", nil, ""), s.Update("t", nil, "", "", "")
			)
			var d = s.Delete("t", nil, "", "")
			var other = s.Cols(s.Text, "x")`, []string{"a", "b", "c", "d"}, "",
		},
		"its own name":     {plain, `var a, s = storage.Lookup(nil, ""), thing.Lookup(nil, "")`, []string{"a"}, ""},
		"not storage":      {`s "fmt"`, `var a = s.Lookup(nil, "")`, nil, ""},
		"in a function":    {named, `func f() { _ = s.Lookup(nil, "") }`, nil, "file.go:3:16: a statement is built in no package variable"},
		"within a value":   {named, `var a = []*s.Statement{s.Lookup(nil, "")}`, nil, "in no package variable"},
		"somebody's field": {named, `func f() { s.jobs.Insert("t", nil, "") }`, nil, ""},
		"no Go":            {named, `var =`, nil, "expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for file, text := range map[string]string{
				"file.go":      "package p\nimport " + tt.imported + "\n" + tt.source,
				"file_test.go": "package p\nimport " + named + "\nvar inTest = s.Lookup(nil, ``)",
			} {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := declared(folder)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("it said %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryPackageIsKeyed: a package with statements has a test that hands them to Keyed.
func TestEveryPackageIsKeyed(t *testing.T) {
	t.Parallel()
	const top = "../../../.."
	packages := 0
	if err := fs.WalkDir(os.DirFS(top), ".", func(folder string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || d.Name() == "dbtest" {
			return err
		}
		if strings.HasPrefix(folder, ".") && folder != "." || d.Name() == "testdata" {
			return fs.SkipDir
		}
		names, err := declared(filepath.Join(top, folder))
		if err != nil || len(names) == 0 {
			return err
		}
		packages++
		tests, err := filepath.Glob(filepath.Join(top, folder, "*_test.go"))
		for _, path := range tests {
			src, err := os.ReadFile(path)
			if err != nil || strings.Contains(string(src), "dbtest.Keyed(t, ") {
				return err
			}
		}
		t.Errorf("%s has statements and no test of their plans", folder)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if packages < 5 {
		t.Errorf("only %d packages have statements", packages)
	}
}
