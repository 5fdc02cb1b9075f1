package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// root is the repository.
const root = "../../.."

func TestMain(m *testing.M) {
	_ = os.Unsetenv("COLUMNS") // help is wrapped to it
	testkit.Main(m)
}

func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	pages, err := render(t.Context(), os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 5 {
		t.Errorf("only %d pages in docs", len(pages))
	}
	for _, p := range pages {
		if diff := cmp.Diff(string(p.old), string(p.text)); diff != "" {
			t.Errorf("%s is not current, run make generate (-stored +generated):\n%s", p.path, diff)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- begin x: written by make generate -->\n", "<!-- end x -->\n"
	for name, tt := range map[string]struct{ in, want, err string }{
		"empty":       {"a\n" + begin + end + "b\n", "a\n" + begin + "\nnew\n\n" + end + "b\n", ""},
		"full":        {begin + "old\n" + end, begin + "\nnew\n\n" + end, ""},
		"no part":     {"a\n", "a\n", ""},
		"unknown":     {"<!-- begin y: written by make generate -->\n", "", `no part "y"`},
		"no end":      {begin, "", "the end of"},
		"no begin":    {end, "", "does not begin"},
		"another end": {begin + "<!-- end y -->\n", "", "does not begin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fill([]byte(tt.in), map[string]*part{"x": {text: "new"}})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("%v, want an error with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWrite shows that the command changes what is stale, and says what is missing.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all bytes.Buffer
	for _, name := range []string{"commands", "settings", "routes", "format", "nodes", "models"} {
		fmt.Fprintf(&all, "<!-- begin %s: %s -->\n<!-- end %s -->\n", name, note, name)
	}
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "docs", "all.md")
	if err := os.WriteFile(path, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if code := run(t.Context(), []string{"-root", dir}, &said); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## key create", "| `HUB_LISTEN` |", "| `GET /api/v1/ledger` | read |", "| `trigger` |", "### notify", "| `claude` | **`claude-haiku-5-5`** |"} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if err := os.WriteFile(path, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"-root", dir}, &said); code != 1 || !strings.Contains(said.String(), `part "routes" is on 0 pages`) {
		t.Errorf("exit code %d: %s, want 1 and what is missing", code, said.String())
	}
}
