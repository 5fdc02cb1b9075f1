package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

func FuzzMdstat(f *testing.F) {
	files, err := filepath.Glob("testdata/mdstat/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		list := parseMdstat(text)
		if len(list) > arraysMost || len(list) > strings.Count(text, ":") {
			t.Fatalf("%d arrays of %d bytes", len(list), len(text))
		}
		for _, a := range list {
			status, words := a.judge()
			if a.name == "" || len(a.members) > membersMost || a.percent < 0 || a.percent > 100 {
				t.Fatalf("%+v", a)
			}
			if status != checkers.OK && words == "" {
				t.Fatalf("%s without words: %+v", status, a)
			}
			if a.metrics(status)["status"] != status {
				t.Fatal("the metrics say something else")
			}
		}
	})
}
