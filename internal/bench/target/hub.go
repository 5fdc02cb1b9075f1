//go:build unix

package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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

// Hub is a server with a database of its own, and with workers when it is scaled.
type Hub struct {
	Address string // host:port
	Key     string // ingest key of the source that Setup made
	binary  Binary
	base    *database
	folder  string
	server  process
	workers []*process
	queues  string // of the server
	taken   int    // profiles
}

// NewHub makes an empty database in folder, or in the cluster if there is one, and starts a server on it.
func NewHub(ctx context.Context, b Binary, folder string, cluster *Cluster, s Setup) (*Hub, error) {
	folder, err := os.MkdirTemp(folder, "hub-")
	if err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	base, err := newDatabase(ctx, cluster, folder)
	if err != nil {
		return nil, err
	}
	h := &Hub{binary: b, base: base, folder: folder, server: process{name: "hub", log: filepath.Join(folder, "hub.log")}}
	if s.TakesIn {
		h.queues = "maintenance"
	}
	if _, err = h.Start(ctx); err != nil {
		return nil, errors.Join(err, h.Remove(ctx))
	}
	return h, nil
}

// Start starts the server and returns how long it took to answer that it is ready.
func (h *Hub) Start(ctx context.Context) (time.Duration, error) {
	if err := h.pickAddress(ctx); err != nil {
		return 0, err
	}
	args := h.binary.Args
	if h.binary.own {
		args = append(slices.Clip(args), h.folder)
	}
	began := time.Now()
	if err := h.server.start(ctx, h.binary.Path, args, append(h.environment(), "HUB_QUEUES="+h.queues)); err != nil {
		return 0, err
	}
	return h.server.await(began, func() bool { return h.ready(ctx) })
}

// workerWord begins the line that a worker prints when it works.
const workerWord = "incidenthub worker takes jobs"

// StartWorkers starts so many workers.
func (h *Hub) StartWorkers(ctx context.Context, n int) error {
	for ; n > 0; n-- {
		if err := h.startWorker(ctx, len(h.workers)+1); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) startWorker(ctx context.Context, n int) error {
	w := &process{name: fmt.Sprintf("worker %d", n), log: filepath.Join(h.folder, fmt.Sprintf("worker-%d.log", n))}
	if err := w.start(ctx, h.binary.Path, h.binary.WorkerArgs, h.environment()); err != nil {
		return err
	}
	h.workers = append(h.workers, w)
	_, err := w.await(time.Now(), func() bool { return strings.Contains(w.tail(), workerWord) })
	return err
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
	if r := h.base.redis; r != "" {
		env = append(env, "HUB_REDIS_URL="+r, "HUB_SECRET_KEY="+strings.Repeat("bench ", 8))
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

// Stop ends the server in order; workers go on.
func (h *Hub) Stop() error { return h.server.stop() }

// Remove ends the hub at once and removes its data. An orderly end would take seconds, of each load.
func (h *Hub) Remove(ctx context.Context) error {
	for _, w := range h.workers {
		w.kill()
	}
	h.server.kill()
	return h.base.drop(context.WithoutCancel(ctx))
}

// Jobs is how much work the hub has left.
func (h *Hub) Jobs(ctx context.Context) (int64, error) { return h.base.jobs(ctx, "") }

// Unsent is Jobs without the deliveries.
func (h *Hub) Unsent(ctx context.Context) (int64, error) {
	return h.base.jobs(ctx, " WHERE kind <> 'deliver'")
}

// Bytes is the size of its database on disk.
func (h *Hub) Bytes(ctx context.Context) (int64, error) { return h.base.bytes(ctx) }

// CPU is what a hub's processes have used since they started.
type CPU struct{ Server, Workers, Postgres, Redis time.Duration }

// Minus is what was used since.
func (c CPU) Minus(since CPU) CPU {
	return CPU{c.Server - since.Server, c.Workers - since.Workers, c.Postgres - since.Postgres, c.Redis - since.Redis}
}

// CPU reads it.
func (h *Hub) CPU() (c CPU, err error) {
	if c.Server, err = processCPU(h.server.pid(), false); err != nil {
		return c, err
	}
	for _, w := range h.workers {
		used, err := processCPU(w.pid(), false)
		if err != nil {
			return c, err
		}
		c.Workers += used
	}
	if h.base.cluster != nil {
		c.Postgres, c.Redis, err = h.base.cluster.cpu()
	}
	return c, err
}

// Resident is the memory that the hub's processes hold, without databases.
func (h *Hub) Resident() (int64, error) {
	sum, err := residentBytes(h.server.pid())
	for _, w := range h.workers {
		n, werr := residentBytes(w.pid())
		sum, err = sum+n, errors.Join(err, werr)
	}
	return sum, err
}

// BeginProfile starts a CPU profile, and forgets what Postgres did before.
func (h *Hub) BeginProfile(ctx context.Context) error {
	if h.base.cluster != nil {
		if _, err := h.base.cluster.Statements(ctx); err != nil {
			return err
		}
	}
	return h.server.cmd.Process.Signal(syscall.SIGUSR1)
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
	if err := h.server.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
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
	return fmt.Errorf("the hub wrote no profile: %s", h.server.tail())
}

// Log is what the hub's processes logged: warnings and errors.
func (h *Hub) Log() string {
	lines := []string{h.server.tail()}
	for _, w := range h.workers {
		lines = append(lines, w.name+": "+w.tail())
	}
	return strings.Join(lines, "\n")
}
