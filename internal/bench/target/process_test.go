//go:build linux

package target

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProcess(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script      string
		await, stop string // parts of the errors, "" for none
	}{
		"as it should be":  {`trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done`, "", ""},
		"ends at once":     {`echo broken; exit 3`, "broken", ""},
		"ends with errors": {`trap 'echo oops; exit 3' TERM; echo ready; while :; do sleep 0.01; done`, "", "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &process{name: "thing", log: filepath.Join(t.TempDir(), "log")}
			if err := p.start(t.Context(), "/bin/sh", []string{"-c", tt.script}, nil); err != nil {
				t.Fatal(err)
			}
			_, err := p.await(time.Now(), func() bool { return strings.Contains(p.tail(), "ready") })
			says(t, err, tt.await)
			says(t, p.stop(), tt.stop)
			says(t, p.stop(), "") // a second time
			p.kill()
		})
	}
	p := &process{name: "thing", log: filepath.Join(t.TempDir(), "log")}
	if err := p.start(t.Context(), "/bin/sh", []string{"-c", "trap '' TERM; while :; do sleep 0.01; done"}, nil); err != nil {
		t.Fatal(err)
	}
	p.kill()
	says(t, p.stop(), "")
	says(t, p.start(t.Context(), "/no/such/program", nil, nil), "start the thing")
	says(t, p.stop(), "")
}

func says(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}
