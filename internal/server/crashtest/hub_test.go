//go:build unix

package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

const adminKey = "crash-admin-key-0123456789abcdef"

// Bars for a start, until the hub takes alerts in (RELIABILITY C1); a first one makes the schema as well.
const (
	readyIn      = 2 * time.Second
	firstReadyIn = 3 * readyIn
)

// hub is a hub in a process of its own that can be killed and started again on the same data.
type hub struct {
	t        *testing.T
	settings map[string]string
	wrap     []string // a program and arguments to run the hub under
	log      string
	client   *http.Client

	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.Closer
	gone  chan struct{} // closed when the process has ended
	addr  string
	ready []time.Duration // of every start
}

// newHub prepares a hub on url ("" is SQLite in a folder of the test) with leases shortened for tests; env goes over that.
func newHub(t *testing.T, url string, env map[string]string) *hub {
	t.Helper()
	dir := t.TempDir()
	settings := map[string]string{
		childVariable: "1", "PATH": os.Getenv("PATH"), "HOME": dir, "TMPDIR": dir,
		"HUB_DATA_DIR": filepath.Join(dir, "data"), "HUB_DATABASE_URL": url, "HUB_LISTEN": "127.0.0.1:0", "HUB_ADMIN_KEY": adminKey,
		"HUB_EGRESS_ALLOW": "127.0.0.0/8", "HUB_LEASE": lease().String(),
	}
	maps.Copy(settings, env)
	h := &hub{
		t: t, settings: settings, log: filepath.Join(dir, "hub.log"),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Second}}, // the hub closes unused ones after 5 s; a busy machine may be late
	}
	t.Cleanup(func() {
		h.kill()
		h.client.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the hub's log ends:\n%s", h.tail(6000))
		}
	})
	return h
}

// database is where the hub's rows are, as storage.Open wants it.
func (h *hub) database() string {
	if u := h.settings["HUB_DATABASE_URL"]; u != "" {
		return u
	}
	return filepath.Join(h.settings["HUB_DATA_DIR"], "incidenthub.db")
}

// spawn starts the process and does not wait for anything.
func (h *hub) spawn() (started time.Time, address <-chan string) {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	log, err := os.OpenFile(h.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	args := append(append([]string{}, h.wrap...), self)
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	for k, v := range h.settings {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	started = time.Now()
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	gone := make(chan struct{})
	h.mu.Lock()
	h.cmd, h.stdin, h.gone, h.addr = cmd, stdin, gone, ""
	h.mu.Unlock()
	found := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		found <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
		close(gone)
	}()
	return started, found
}

// start starts the hub and waits until it is ready.
func (h *hub) start() {
	h.t.Helper()
	limit := readyIn
	if len(h.ready) == 0 {
		limit = firstReadyIn
	}
	bar(h.t, "to be ready after a start", h.await(h.spawn()), limit)
}

// await waits until a hub that was spawned is ready, and tells how long that took.
func (h *hub) await(started time.Time, address <-chan string) time.Duration {
	h.t.Helper()
	select {
	case a := <-address:
		if a == "" {
			h.t.Fatalf("the hub did not start:\n%s", h.tail(2000))
		}
		h.mu.Lock()
		h.addr = a
		h.mu.Unlock()
	case <-time.After(patience):
		h.t.Fatalf("the hub does not listen after %s:\n%s", patience, h.tail(2000))
	}
	if h.settings[childVariable] != asWorker { // which says so when it works, and cannot be asked
		testkit.Eventually(h.t, patience, h.healthy, "the hub is not ready")
	}
	took := time.Since(started)
	h.mu.Lock()
	h.ready = append(h.ready, took)
	h.mu.Unlock()
	return took
}

// kill ends the hub by SIGKILL and waits until it is gone.
func (h *hub) kill() {
	h.mu.Lock()
	cmd, gone, stdin := h.cmd, h.gone, h.stdin
	h.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its session: a wrapper's child as well
	<-gone
	_ = stdin.Close()
	h.mu.Lock()
	h.cmd, h.addr = nil, ""
	h.mu.Unlock()
}

// terminate sends SIGTERM, tells by look what the hub answers meanwhile, and returns how it ended.
func (h *hub) terminate(look func()) (took time.Duration, code int) {
	h.t.Helper()
	h.mu.Lock()
	cmd, gone, stdin := h.cmd, h.gone, h.stdin
	h.mu.Unlock()
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
	if look != nil {
		look()
	}
	select {
	case <-gone:
	case <-time.After(patience):
		h.kill()
		h.t.Fatalf("the hub had not ended %s after SIGTERM", patience)
	}
	took = time.Since(began)
	_ = stdin.Close()
	h.mu.Lock()
	h.cmd, h.addr = nil, ""
	h.mu.Unlock()
	return took, cmd.ProcessState.ExitCode()
}

var errDown = errors.New("the hub is down")

func (h *hub) url() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.addr == "" {
		return "", errDown
	}
	return "http://" + h.addr, nil
}

// answer is what the hub said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do makes one request with the admin key.
func (h *hub) do(method, path string, body []byte) (answer, error) {
	base, err := h.url()
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := h.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, raw}, err
}

// healthy asks whether the hub takes alerts in.
func (h *hub) healthy() bool {
	a, err := h.do(http.MethodGet, "/healthz", nil)
	return err == nil && a.status == http.StatusOK
}

// get reads an answer of the API.
func (h *hub) get(path string, out any) error {
	a, err := h.do(http.MethodGet, path, nil)
	switch {
	case err != nil:
		return err
	case a.status != http.StatusOK:
		return fmt.Errorf("GET %s: %d %s", path, a.status, a.body)
	}
	return json.Unmarshal(a.body, out)
}

// tell makes a channel to r.
func (h *hub) tell(r *receiver) {
	h.t.Helper()
	raw, err := json.Marshal(map[string]any{"name": "ops", "driver": "generic", "config": map[string]any{"endpoint": r.server.URL}})
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := h.do(http.MethodPost, "/api/v1/channels", raw)
	if err != nil || a.status != http.StatusCreated {
		h.t.Fatalf("make a channel: %d %s %v", a.status, a.body, err)
	}
}

func (h *hub) tail(n int64) string {
	raw, err := os.ReadFile(h.log)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, int64(len(raw))-n):])
}
