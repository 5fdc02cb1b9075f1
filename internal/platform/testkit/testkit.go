//go:build unix

// Package testkit gives tests real servers and the few helpers that the standard library lacks.
//
// Postgres, PostgresFrom and Redis use the servers named in HUB_TEST_POSTGRES_URL and HUB_TEST_REDIS_URL (make test
// starts one of each for all packages), else they start local ones, once per test process. Each call gives a database
// of its own. Tests that kill, stop or flush a server take one of their own: OwnPostgres, OwnRedis. What is missing
// fails the test and says how to install it; only -short skips. Package dbtest opens the hub's own database on them.
package testkit

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	postgresVariable = "HUB_TEST_POSTGRES_URL"
	redisVariable    = "HUB_TEST_REDIS_URL"
)

// waitLimit bounds each thing testkit itself does on a server.
const waitLimit = 2 * time.Minute

// Main is for TestMain: it runs the tests, fails when they pass but leave goroutines behind, and stops the servers of
// this process. Without it servers end a moment after the process.
func Main(m *testing.M, ignore ...goleak.Option) {
	collectLess()
	ignore = append(ignore, goleak.IgnoreCurrent())
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(ignore...); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "goroutines left behind by the tests:", err)
			code = 1
		}
	}
	shared.close()
	os.Exit(code)
}

// collectLess has the tests' heap grow like that of a hub in use (server.CollectLess) before it is looked through: that takes a fifth of the CPU
// otherwise. GOGC in the environment wins.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

// Eventually waits until done returns true and fails the test with message when that takes longer than limit. It calls
// done from the test's own goroutine, first at once and then ever less often, at least 50 times a second.
func Eventually(t testing.TB, limit time.Duration, done func() bool, message string) {
	t.Helper()
	late := time.NewTimer(limit)
	defer late.Stop()
	for pause := time.Millisecond; !done(); pause = min(2*pause, 20*time.Millisecond) {
		select {
		case <-late.C:
			if done() { // a slow done may have eaten the time
				return
			}
			t.Fatalf("%s (waited %s)", message, limit)
		case <-time.After(pause):
		}
	}
}

// Chromium returns the path of a browser.
func Chromium(t testing.TB) string {
	t.Helper()
	skipShort(t, "a browser")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("chromium is not installed: apt-get install -y chromium")
	return ""
}

func skipShort(t testing.TB, what string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("-short: needs %s", what)
	}
}

// lazy is a server started at first use and shared by the process.
type lazy[S io.Closer] struct {
	mu      sync.Mutex
	started bool
	server  S
	err     error
}

func (l *lazy[S]) get(start func() (S, error)) (S, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started = true
		l.server, l.err = start()
	}
	return l.server, l.err
}

// close leaves the holder as new.
func (l *lazy[S]) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started && l.err == nil {
		_ = l.server.Close()
	}
	l.started = false
}
