package channeltest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Goldens compares the bodies that made gives for each of Notices, but for those left out, with testdata/<prefix><name>.json.
func Goldens(t *testing.T, update bool, prefix string, made func(t *testing.T, n channel.Notice) []byte, leftOut ...string) {
	t.Helper()
	for name, n := range Notices() {
		if slices.Contains(leftOut, name) {
			continue
		}
		t.Run(prefix+name, func(t *testing.T) {
			t.Parallel()
			Golden(t, update, prefix+name, made(t, n))
		})
	}
}

// Golden compares a JSON document with testdata/<name>.json, laid out to be read; with update it writes the file.
func Golden(t *testing.T, update bool, name string, body []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
	if update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", file, diff)
	}
}
