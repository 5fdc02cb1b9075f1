package host_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// tree lays out a file of testdata: "-- path --" begins a file, "-- path -> target --" is a symbolic link, what is before the first is for
// people. The words of command lines are written with Go's escapes.
func tree(t *testing.T, name string) *host.Live {
	t.Helper()
	root := t.TempDir()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, links := map[string]*strings.Builder{}, map[string]string{}
	var now *strings.Builder
	for lines := bufio.NewScanner(f); lines.Scan(); {
		head, ok := strings.CutPrefix(lines.Text(), "-- ")
		head, ok2 := strings.CutSuffix(head, " --")
		if !ok || !ok2 {
			if now != nil {
				now.WriteString(lines.Text() + "\n")
			}
			continue
		}
		now = &strings.Builder{}
		if path, target, ok := strings.Cut(head, " -> "); ok {
			links[path] = target
			continue
		}
		files[head] = now
	}
	for path, text := range files {
		body := text.String()
		if strings.HasSuffix(path, "/cmdline") {
			if body, err = strconv.Unquote(`"` + strings.ReplaceAll(strings.TrimSuffix(body, "\n"), `\0`, `\x00`) + `"`); err != nil {
				t.Fatal(path, err)
			}
		}
		make1(t, filepath.Join(root, path), func(at string) error { return os.WriteFile(at, []byte(body), 0o600) })
	}
	for path, target := range links {
		make1(t, filepath.Join(root, path), func(at string) error { return os.Symlink(target, at) })
	}
	return host.New(host.Config{
		Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"), Etc: filepath.Join(root, "etc"), Root: filepath.Join(root, "root"),
	})
}

func make1(t *testing.T, path string, f func(string) error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f(path); err != nil {
		t.Fatal(err)
	}
}
