//go:build unix

package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Limits of waiting for a hub.
const (
	readyLimit = 60 * time.Second
	stopLimit  = 30 * time.Second
	readyPoll  = time.Millisecond
)

// Hub is a hub process with a database of its own.
type Hub struct {
	Address string // host:port
	Key     string // ingest key of the source that Setup made
	binary  Binary
	base    *database
	folder  string
	cmd     *exec.Cmd
	ended   chan error
	taken   int // profiles
}

// NewHub makes an empty database in folder, or in the cluster if there is one, and starts a hub on it.
func NewHub(ctx context.Context, b Binary, folder string, cluster *Cluster) (*Hub, error) {
	folder, err := os.MkdirTemp(folder, "hub-")
	if err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	base, err := newDatabase(ctx, cluster, folder)
	if err != nil {
		return nil, err
	}
	h := &Hub{binary: b, base: base, folder: folder}
	if _, err := h.Start(ctx); err != nil {
		return nil, errors.Join(err, h.Remove(ctx))
	}
	return h, nil
}

// Start starts the process and returns how long it took to answer that it is ready.
func (h *Hub) Start(ctx context.Context) (time.Duration, error) {
	if err := h.pickAddress(ctx); err != nil {
		return 0, err
	}
	log, err := os.OpenFile(h.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("start the hub: %w", err)
	}
	defer log.Close()
	args := h.binary.Args
	if h.binary.own {
		args = append(slices.Clip(args), h.folder)
	}
	h.cmd = exec.CommandContext(context.WithoutCancel(ctx), h.binary.Path, args...)
	h.cmd.Env, h.cmd.Stdout, h.cmd.Stderr = h.environment(), log, log
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench, which stops its hubs itself
	began := time.Now()
	if err := h.cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the hub: %w", err)
	}
	h.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(h.cmd, h.ended)
	for {
		if h.ready(ctx) {
			return time.Since(began), nil
		}
		select {
		case err := <-h.ended:
			h.cmd = nil
			return 0, fmt.Errorf("the hub ended before it was ready: %w: %s", err, h.tail())
		case <-time.After(readyPoll):
		}
		if time.Since(began) > readyLimit {
			return 0, fmt.Errorf("the hub is not ready after %s: %s", readyLimit, h.tail())
		}
	}
}

func (h *Hub) pickAddress(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	h.Address = l.Addr().String()
	return l.Close()
}

// environment is ours without any setting of a hub.
func (h *Hub) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HUB_") {
			env = append(env, v)
		}
	}
	return append(env, "HUB_DATA_DIR="+h.folder, "HUB_DATABASE_URL="+h.base.url, "HUB_LISTEN="+h.Address, "HUB_ADMIN_KEY="+adminKey,
		"HUB_EGRESS_ALLOW=127.0.0.0/8", "HUB_LOG_LEVEL=warn")
}

// ready asks /healthz over a plain connection: a client of net/http would be measured with it.
func (h *Hub) ready(ctx context.Context) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", h.Address)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")); err != nil {
		return false
	}
	head := make([]byte, 12)
	n, _ := conn.Read(head)
	return strings.HasPrefix(string(head[:n]), "HTTP/1.1 200")
}

// Stop ends the process in order.
func (h *Hub) Stop() error {
	if h.cmd == nil {
		return nil
	}
	cmd := h.cmd
	h.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the hub: %w", err)
	}
	select {
	case err := <-h.ended:
		if err != nil {
			return fmt.Errorf("stop the hub: %w: %s", err, h.tail())
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the hub did not stop in %s: %s", stopLimit, h.tail()), cmd.Process.Kill())
	}
}

// Remove stops the hub and removes its data.
func (h *Hub) Remove(ctx context.Context) error {
	err := h.base.close() // a SQLite file is brought into order by the last to close it, which shall be the hub
	return errors.Join(err, h.Stop(), h.base.drop(context.WithoutCancel(ctx)))
}

// Jobs is how much work the hub has left.
func (h *Hub) Jobs(ctx context.Context) (int64, error) { return h.base.jobs(ctx) }

// Bytes is the size of its database on disk.
func (h *Hub) Bytes(ctx context.Context) (int64, error) { return h.base.bytes(ctx) }

// CPU is what the hub's process and its Postgres have used since they started.
func (h *Hub) CPU() (hub, base time.Duration, err error) {
	hub, err = processCPU(h.cmd.Process.Pid, false)
	if err != nil {
		return 0, 0, err
	}
	base, err = h.base.cpu()
	return hub, base, err
}

// Resident is the memory that the hub's process holds.
func (h *Hub) Resident() (int64, error) { return residentBytes(h.cmd.Process.Pid) }

// BeginProfile starts a CPU profile, and forgets what Postgres did before.
func (h *Hub) BeginProfile(ctx context.Context) error {
	if h.base.cluster != nil {
		if _, err := h.base.cluster.Statements(ctx); err != nil {
			return err
		}
	}
	return h.cmd.Process.Signal(syscall.SIGUSR1)
}

// EndProfile ends it and moves it to path + .pprof; what Postgres was busy with goes to path + .sql.
func (h *Hub) EndProfile(ctx context.Context, path string) error {
	if h.base.cluster != nil {
		text, err := h.base.cluster.Statements(ctx)
		if err != nil {
			return err
		}
		sizes, err := h.base.sizes(ctx)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".sql", []byte(text+"\n"+sizes), 0o600); err != nil {
			return err
		}
	}
	if err := h.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		return err
	}
	h.taken++
	from := profilePath(h.folder, h.taken)
	for range 500 {
		if raw, err := os.ReadFile(from); err == nil {
			return errors.Join(os.WriteFile(path+".pprof", raw, 0o600), os.Rename(allocsPath(h.folder, h.taken), path+".allocs.pprof"))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the hub wrote no profile: %s", h.tail())
}

func (h *Hub) logPath() string { return filepath.Join(h.folder, "hub.log") }

// Log is what the hub logged: warnings and errors.
func (h *Hub) Log() string { return h.tail() }

func (h *Hub) tail() string {
	raw, err := os.ReadFile(h.logPath())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(raw[max(0, len(raw)-2000):]))
}
