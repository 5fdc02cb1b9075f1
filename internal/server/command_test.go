package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server"
)

// screen is what a person sees, written by the hub and read by the test.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// find waits for what a pattern's group matches.
func (s *screen) find(t *testing.T, pattern string) string {
	t.Helper()
	re, found := regexp.MustCompile(pattern), ""
	testkit.Eventually(t, time.Minute, func() bool {
		if m := re.FindStringSubmatch(s.String()); m != nil {
			found = m[1]
		}
		return found != ""
	}, "the hub does not print "+pattern)
	return found
}

// program runs commands with these settings.
func program(out *screen, settings map[string]string, in string) cli.Program {
	return cli.Program{
		In: strings.NewReader(in), Out: out, Err: out, Serve: server.Run, Open: server.Open,
		Getenv: func(name string) string { return settings[name] },
	}
}

// TestFirstRun is what a newcomer does: serve, paste the printed curl, look, apply a file beside the running hub, stop.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "hub.yaml")
	if err := os.WriteFile(file, []byte("sources:\n  - name: prod\n    signature: pagerduty\n    signature_secret: ${PD_SECRET}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"HUB_DATA_DIR": dir, "HUB_LISTEN": "127.0.0.1:0", "HUB_APPLY": file, "PD_SECRET": "canary-secret"}
	var shown screen
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- cli.Run(ctx, program(&shown, settings, ""), []string{"serve"}) }()

	url := shown.find(t, `is ready: (http://\S+)`)
	settings["HUB_SERVER"], settings["HUB_TOKEN"] = url, shown.find(t, `(ihk_\w{43})`)
	shown.find(t, `Ingest key of source "prod", shown this once: (ihi_\w{43})`)
	parts := strings.Split(shown.String(), strings.Repeat("-", 72)+"\n") // the log, the greeting, the log
	if len(parts) != 3 {
		t.Fatalf("the greeting does not stand apart in\n%s", shown.String())
	}
	for line := range strings.Lines(parts[1]) {
		if n := len(strings.TrimSuffix(line, "\n")); n > 80 && !strings.HasPrefix(line, "Its data is in ") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	curl := regexp.MustCompile(`curl -sS (\S+) \\\n  -H '(\w+): ([^']+)' \\\n  -H '([\w-]+): ([^']+)' -d '([^']+)'\n`).FindStringSubmatch(shown.String())
	if curl == nil {
		t.Fatalf("no curl in\n%s", shown.String())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, curl[1], strings.NewReader(curl[6]))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(curl[2], curl[3])
	req.Header.Set(curl[4], curl[5])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatalf("the printed curl gets %d, %v", res.StatusCode, err)
	}

	command := func(in string, args ...string) string {
		t.Helper()
		var out screen
		if code := cli.Run(t.Context(), program(&out, settings, in), args); code != cli.ExitOK {
			t.Fatalf("%v: exit %d\n%s", args, code, out.String())
		}
		return out.String()
	}
	var incidents struct{ Items []struct{ ID string } }
	testkit.Eventually(t, time.Minute, func() bool {
		return json.Unmarshal([]byte(command("", "incident", "list", "--json")), &incidents) == nil && len(incidents.Items) == 1
	}, "no incident")
	if out := command("", "incident", "ack", incidents.Items[0].ID); !strings.Contains(out, "is acknowledged: DiskAlmostFull") {
		t.Error(out)
	}
	command("", "incident", "note", incidents.Items[0].ID, "looking")
	if out := command("", "incident", "show", incidents.Items[0].ID); !strings.Contains(out, "looking") {
		t.Error(out)
	}
	if out := command("", "run", "list"); !strings.Contains(out, "full v1") {
		t.Error(out)
	}

	// What the command line changes beside the running hub holds there by itself.
	settings["HUB_TOKEN"] = regexp.MustCompile(`ihk_\w{43}`).FindString(command("", "key", "create", "bot", "--scope", "respond"))
	command("", "incident", "resolve", incidents.Items[0].ID, "--summary", "grown")
	command("pipelines:\n", "apply", "-f", "-", "--prune")
	if out := command("", "apply", "-f", file); !strings.Contains(out, "unchanged") {
		t.Error(out)
	}

	stop()
	if code := <-ended; code != cli.ExitOK {
		t.Errorf("serve ends with %d", code)
	}
	if strings.Contains(shown.String(), "canary-secret") {
		t.Errorf("a secret is shown:\n%s", shown.String())
	}
	var again screen
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	go func() { ended <- cli.Run(ctx, program(&again, settings, ""), []string{"serve"}) }()
	again.find(t, `is ready: (http://\S+)`)
	stop()
	if code := <-ended; code != cli.ExitOK || strings.Contains(again.String(), "ihk_") || strings.Contains(again.String(), "ihi_") {
		t.Errorf("the second start ends with %d and shows\n%s", code, again.String())
	}
}
