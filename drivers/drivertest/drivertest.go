// Package drivertest is the suite that every driver passes: golden cases in folders, rules that hold for any body, and a
// fuzz test that is seeded with the cases.
package drivertest

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

var update = flag.Bool("update", false, "rewrite want.json and want.err of the driver cases")

// Run parses testdata/<case>/input.json for each case and compares with want.json, or with want.err if the body must be
// refused. With -update it writes them instead.
func Run(t *testing.T, d drivers.Driver) {
	t.Helper()
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) { runCase(t, d, dir) })
	}
	t.Run("empty object", func(t *testing.T) {
		if d.Detect(doc.Object{}) {
			t.Error("Detect takes an empty object")
		}
		if _, err := d.Parse(doc.Object{}); !errors.Is(err, drivers.ErrMalformed) {
			t.Errorf("Parse = %v, want ErrMalformed", err)
		}
	})
}

func cases(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join("testdata", "*", "input.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for i, d := range dirs {
		dirs[i] = filepath.Dir(d)
	}
	return dirs
}

func runCase(t *testing.T, d drivers.Driver, dir string) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, "input.json"))
	if err != nil {
		t.Fatal(err)
	}
	object, err := doc.Decode(body, doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	Check(t, d, object)
	got := golden{Detected: d.Detect(object)}
	parsed, err := d.Parse(object)
	if err != nil {
		compare(t, filepath.Join(dir, "want.err"), filepath.Join(dir, "want.json"), []byte(err.Error()+"\n"))
		return
	}
	got.parsed(parsed)
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(dir, "want.json"), filepath.Join(dir, "want.err"), append(text, '\n'))
}

// compare holds got against the file at path; the file at other, which stands for the opposite outcome, must not be there.
func compare(t *testing.T, path, other string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil { //nolint:gosec // G703: the path is that of a case of this very test
			t.Fatal(err)
		}
		_ = os.Remove(other)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (got:\n%s)", err, got)
	}
	if _, err := os.Stat(other); err == nil {
		t.Errorf("%s and %s exclude each other", path, other)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Fuzz gives the driver whatever decodes, starting from its cases: it may refuse a body, but must not panic or break a rule.
func Fuzz(f *testing.F, d drivers.Driver) {
	f.Helper()
	for _, dir := range cases(f) {
		body, err := os.ReadFile(filepath.Join(dir, "input.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if object, err := doc.Decode(body, doc.Limits{}); err == nil {
			Check(t, d, object)
		}
	})
}
