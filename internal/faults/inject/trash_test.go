//go:build linux

package inject

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that is the janitor of this test: what it reads it forgets, as cat would print it.
const sink = "/bin/cat"

func TestTrashTakesBackSinceItsMark(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(sink); err != nil {
		t.Skip(err)
	}
	trash, err := NewTrash(sink)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	first, second := filepath.Join(root, "first"), filepath.Join(root, "second")
	var mark int
	for _, d := range []string{first, second} {
		mark = trash.Mark()
		if err := os.MkdirAll(filepath.Join(d, "deep"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := trash.Add("remove", d); err != nil {
			t.Fatal(err)
		}
	}
	if err := trash.Empty(mark); err != nil || exists(second) || !exists(first) {
		t.Fatalf("%v: first %t, second %t", err, exists(first), exists(second))
	}
	if err := trash.Close(); err != nil || exists(first) {
		t.Fatalf("%v: first %t", err, exists(first))
	}
}

// The run was killed after it had taken the last thing back.
func TestJanitorDoesTheRest(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	made := filepath.Join(root, "group")
	for _, d := range []string{made, filepath.Join(root, "mine")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	told := `{"do":"remove","path":"` + root + `/none"}{"do":"rmdir","path":"` + made + `"}{"do":"remove","path":"` + root + `/mine"}{"do":"forget"}{"do":"rem`
	if err := Janitor(strings.NewReader(told)); err != nil {
		t.Error(err)
	}
	if exists(made) || !exists(filepath.Join(root, "mine")) {
		t.Errorf("group %t, mine %t", exists(made), exists(filepath.Join(root, "mine")))
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
