//go:build unix

package crashtest

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
)

// checkVariable names the file in which a hub under test notes each execution of a context node. Such nodes then do what the names of the
// alerts ask for, and take a moment, as real checks do.
const checkVariable = "HUB_CRASH_CHECKS"

// What an alert's name begins with when its context node shall break.
const (
	panics  = "Panic" // at every try
	endless = "Stuck" // works until it is stopped
)

// checkTime is how long a check takes.
const checkTime = 30 * time.Millisecond

// checkHandlers are the node kinds that a hub under test executes in its own way.
func checkHandlers() map[string]orchestration.Handler {
	path := os.Getenv(checkVariable)
	if path == "" {
		return nil
	}
	return map[string]orchestration.Handler{"context": &check{path: path, tried: map[string]bool{}}}
}

// check is a slow node. One in three runs of a load's alerts fails at its first try in a process.
type check struct {
	path  string
	mu    sync.Mutex
	tried map[string]bool
}

// Run implements orchestration.Handler.
func (c *check) Run(n *orchestration.NodeContext) orchestration.Result {
	name := ""
	if len(n.Run.Alerts) > 0 {
		name = n.Run.Alerts[0].Name
	}
	run := n.Run.ID.String()
	if err := c.note(run, n.Node.ID); err != nil {
		return orchestration.Result{Err: err, Type: "test"}
	}
	switch {
	case strings.HasPrefix(name, panics):
		panic("a bug in the check of " + name)
	case strings.HasPrefix(name, endless):
		<-n.Ctx.Done()
		return orchestration.Result{Err: n.Ctx.Err(), Type: "test", Retry: true}
	}
	select {
	case <-time.After(checkTime):
	case <-n.Ctx.Done():
		return orchestration.Result{Err: n.Ctx.Err(), Type: "test", Retry: true}
	}
	if strings.HasPrefix(name, "Alert") && c.first(run) {
		return orchestration.Result{Err: errors.New("not yet"), Type: "test", Retry: true}
	}
	return orchestration.Result{Output: map[string]any{"process": os.Getpid()}}
}

// note appends a line; the system keeps lines of several processes apart.
func (c *check) note(run, node string) error {
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s %d\n", run, node, os.Getpid())
	return errors.Join(err, f.Close())
}

// first reports whether this try of a run has to fail.
func (c *check) first(run string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(run))
	c.mu.Lock()
	defer c.mu.Unlock()
	again := c.tried[run]
	c.tried[run] = true
	return !again && h.Sum32()%3 == 0
}

// checked prepares hubs to run context nodes in the test's way, and returns the file of executions.
func checked(t *testing.T, hubs ...*hub) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checks")
	for _, h := range hubs {
		h.settings[checkVariable] = path
	}
	return path
}

// executions counts how often each node of each run was begun: "run node".
func executions(t *testing.T, path string) map[string]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) != 3 {
			t.Fatalf("%s has the line %q", path, lines.Text())
		}
		out[w[0]+" "+w[1]]++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
