package host_test

import (
	"os"
	"path/filepath"
	"testing"
)

// make1 makes a file by f, with the directories above it.
func make1(t *testing.T, path string, f func(string) error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f(path); err != nil {
		t.Fatal(err)
	}
}
