package servertest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server"
)

// Setup is what a hub under test begins with.
type Setup struct {
	Env map[string]string
	// Handlers execute node kinds in the test's own way.
	Handlers map[string]orchestration.Handler
	// Probe is the machine that the hub is on; nil: the real one.
	Probe host.Probe
	// Log hears what all its processes log, at every level; nil: nobody does.
	Log slog.Handler
	// Acts is set by tests in which people act on runs: the process that they ask goes on with the run.
	Acts bool
}

// StartWith is Start of a hub on SQLite that begins with what the test has prepared.
func StartWith(t *testing.T, s Setup) *Hub {
	t.Helper()
	return start(t, s.Env, server.Options{Version: "test", Unsafe: true, Handlers: s.Handlers, Probe: s.Probe}, slog.New(s.hears(slog.DiscardHandler)))
}

// Forms runs fn against both forms of a hub: embedded, which is one process on SQLite, and scaled, a server and a worker on Postgres and
// Redis. That server works on nothing, and Forms checks that the worker did. begin starts the hub, once, with what the test has prepared.
func Forms(t *testing.T, fn func(t *testing.T, begin func(Setup) *Hub)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		fn(t, func(s Setup) *Hub {
			return StartWith(t, s)
		})
	})
	t.Run("scaled", func(t *testing.T) {
		t.Parallel()
		did := &tally{}
		var h *Hub
		ran := false
		t.Cleanup(func() { // after both have ended
			if n := did.stages(); ran && n == 0 && !t.Failed() {
				t.Error("the worker executed no node, though there were runs")
			}
		})
		fn(t, func(s Setup) *Hub {
			h = Server(t, s)
			h.Work(t, s.Handlers, s.hears(did))
			return h
		})
		ran = len(h.Runs("")) > 0
	})
}

// hears is what a process logs to.
func (s Setup) hears(own slog.Handler) slog.Handler {
	if s.Log == nil {
		return own
	}
	return slog.NewMultiHandler(own, s.Log)
}

// Server starts a server of a scaled hub that takes alerts in and works on nothing. Executing a node is a fault of the test.
func Server(t *testing.T, s Setup) *Hub {
	t.Helper()
	env := map[string]string{
		"HUB_DATABASE_URL": Postgres(t), "HUB_REDIS_URL": testkit.Redis(t), "HUB_SECRET_KEY": strings.Repeat("forms ", 8),
	}
	maps.Copy(env, s.Env)
	foreign := map[string]orchestration.Handler{}
	for kind := range s.Handlers {
		foreign[kind] = refuse{}
	}
	did := &tally{}
	t.Cleanup(func() {
		if n := did.stages(); n > 0 && !s.Acts {
			t.Errorf("the server executed %d nodes, which are the worker's", n)
		}
	})
	h := start(t, env, server.Options{
		Version: "test", Unsafe: true, Work: server.Work{Queues: []string{"maintenance"}}, Handlers: foreign, Probe: s.Probe,
	}, slog.New(s.hears(did)))
	h.probe = s.Probe
	return h
}

// Work starts a worker of the hub on these queues, none: all, until the test ends.
func (h *Hub) Work(t *testing.T, handlers map[string]orchestration.Handler, log slog.Handler, queues ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	works, ended := &word{said: make(chan struct{})}, make(chan error, 1)
	opt := server.Options{Version: "test", Unsafe: true, Work: server.Work{Queues: queues}, Handlers: handlers, Probe: h.probe}
	go func() { ended <- server.RunWorkerWith(ctx, h.cfg, opt, works, slog.New(log)) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the worker: %v", err)
			}
		case <-time.After(patience):
			t.Error("the worker does not end")
		}
	})
	select {
	case <-works.said:
	case err := <-ended:
		ended <- err
		t.Fatalf("the worker ended at once: %v", err)
	case <-time.After(patience):
		t.Fatal("the worker does not begin")
	}
}

// refuse is the handler of nodes that another process must execute.
type refuse struct{}

var errNotHere = errors.New("this process executes no nodes")

// Run implements orchestration.Handler.
func (refuse) Run(*orchestration.NodeContext) orchestration.Result {
	return orchestration.Result{Err: errNotHere, Type: "not_here"}
}

// word hears that something was said.
type word struct {
	once sync.Once
	said chan struct{}
}

var _ io.Writer = (*word)(nil)

// Write implements io.Writer.
func (w *word) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.said) })
	return len(b), nil
}

// tally counts the nodes that a process says it has begun to execute: each is a signal, and those are logged.
type tally struct {
	mu sync.Mutex
	n  int
}

func (l *tally) stages() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// Enabled implements slog.Handler.
func (l *tally) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (l *tally) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "signal" && a.Value.String() == "pipeline.stage.started" {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.n++
		}
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (l *tally) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *tally) WithGroup(string) slog.Handler { return l }
