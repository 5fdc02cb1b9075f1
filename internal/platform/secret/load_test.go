package secret_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestLoadOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "mounted")
	write(t, file, phraseB+"\r\n"+phraseA+"\n", 0o644)
	for name, tt := range map[string]struct {
		src  secret.Source
		from string
		id   string
	}{
		"variable first":         {secret.Source{Key: secret.NewString(phraseA), File: file, Dir: dir}, "HUB_SECRET_KEY", ring(t, phraseA).KeyID()},
		"file, first line seals": {secret.Source{File: file, Dir: dir}, file, ring(t, phraseB).KeyID()},
	} {
		k, from, err := secret.Load(tt.src)
		if err != nil || from != tt.from || k.KeyID() != tt.id {
			t.Errorf("%s: from %q, %v; want %q with key %s", name, from, err, tt.from, tt.id)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, secret.FileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key file was made though a key was given: %v", err)
	}
}

func TestLoadMakesKeyOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, _, err := secret.Load(secret.Source{Dir: dir})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.KeyID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("starts at once got different keys: %q", ids)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != secret.FileName {
		t.Errorf("left in the folder: %v, %v; want only %s", entries, err, secret.FileName)
	}
	if got := mode(t, filepath.Join(dir, secret.FileName)); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestLoadTightensMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, secret.FileName)
	write(t, path, phraseA, 0o644)
	if _, _, err := secret.Load(secret.Source{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, path); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, short, huge := filepath.Join(dir, "empty"), filepath.Join(dir, "short"), filepath.Join(dir, "huge")
	write(t, empty, "\n", 0o600)
	write(t, short, "canary", 0o600)
	write(t, huge, strings.Repeat("canary", 1<<15), 0o600)
	for name, tt := range map[string]struct {
		src  secret.Source
		want error
	}{
		"weak variable":  {secret.Source{Key: secret.NewString("canary")}, secret.ErrBadKey},
		"no such file":   {secret.Source{File: filepath.Join(dir, "none"), Dir: dir}, fs.ErrNotExist},
		"empty file":     {secret.Source{File: empty, Dir: dir}, secret.ErrBadKey},
		"short file":     {secret.Source{File: short}, secret.ErrBadKey},
		"huge file":      {secret.Source{File: huge}, secret.ErrBadKey},
		"no data folder": {secret.Source{Dir: filepath.Join(dir, "none")}, fs.ErrNotExist},
	} {
		_, from, err := secret.Load(tt.src)
		if !errors.Is(err, tt.want) || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %v (from %q); want %v, naming the place and not the text", name, err, from, tt.want)
		}
	}
	if _, _, err := secret.Load(secret.Source{}); err == nil {
		t.Error("no source at all: no error")
	}
	if _, err := os.Stat(filepath.Join(dir, secret.FileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a missing HUB_SECRET_KEY_FILE was replaced by a generated key")
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
