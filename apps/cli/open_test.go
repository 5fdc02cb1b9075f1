package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// left are the names in a folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestNoDatabaseYet: what reads or changes what is stored says that nothing is, and where it looked, and makes nothing.
func TestNoDatabaseYet(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"channel", "list"},
		{"channel", "list", "--json"},
		{"channel", "show", "ops"},
		{"channel", "update", "ops", "--no-active"},
		{"channel", "delete", "ops"},
		{"channel", "validate", "ops"},
		{"provider", "list"},
		{"provider", "show", "main"},
		{"provider", "activate", "main"},
		{"provider", "deactivate", "main"},
		{"provider", "test", "main"},
		{"provider", "delete", "main"},
		{"key", "list"},
		{"key", "revoke", "bot"},
		{"key", "reencrypt"},
		{"export"},
	} {
		s := newShell(t)
		r := s.run(t, "", args...)
		want := "incidenthub: there is no database yet in " + s.dir + ": no incidenthub.db is there\n  The first start makes it: incidenthub serve\n"
		if r.code != cli.ExitFailed || r.out != "" || !strings.HasPrefix(r.err, want) {
			t.Errorf("%v: exit %d\n%s%s", args, r.code, r.out, r.err)
		}
		if made := left(t, s.dir); len(made) > 0 {
			t.Errorf("%v left %v", args, made)
		}
	}
}

// TestNoDatabaseElsewhere: the folder need not be there, and it is named by the flag as well as by the address of the database.
func TestNoDatabaseElsewhere(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	gone := filepath.Join(s.dir, "gone")
	for name, args := range map[string][]string{
		"in " + gone + ": no incidenthub.db is there": {"--data-dir", gone},
		"in " + gone + ": no hub.sqlite is there":     {"--database-url", "sqlite:" + filepath.Join(gone, "hub.sqlite")},
		"in " + gone + ": no other.db is there":       {"--database-url", "sqlite://" + filepath.Join(gone, "other.db")},
	} {
		r := s.run(t, "", append([]string{"channel", "list"}, args...)...)
		if r.code != cli.ExitFailed || !strings.Contains(r.err, name) {
			t.Errorf("%v: exit %d\n%s", args, r.code, r.err)
		}
	}
	if made := left(t, s.dir); len(made) > 0 {
		t.Errorf("left %v", made)
	}
}

// TestWithoutDatabase: what needs nothing that is stored works all the same, and leaves nothing behind; what makes something new makes the database.
func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	file := fileOf(t, "channels:\n  - {name: ops, driver: hook, config: {endpoint: \"https://ops.example/in\"}}\n")
	for _, args := range [][]string{
		{"channel", "drivers"},
		{"channel", "drivers", "hook"},
		{"channel", "validate", "--driver", "hook", "--set", "endpoint=https://ops.example/in"},
		{"apply", "-f", file, "--dry-run"},
	} {
		s := newShell(t)
		s.ok(t, "", args...)
		if made := left(t, s.dir); len(made) > 0 {
			t.Errorf("%v left %v", args, made)
		}
	}
	for _, args := range [][]string{
		{"apply", "-f", file},
		{"key", "create", "bot"},
		{"channel", "create", "ops", "--driver", "hook", "--set", "endpoint=https://ops.example/in"},
	} {
		s := newShell(t)
		s.ok(t, "", args...)
		if out := s.ok(t, "", "channel", "list"); !strings.HasPrefix(out, "NAME") {
			t.Errorf("after %v: %s", args, out)
		}
	}
}
