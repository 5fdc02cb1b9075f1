//go:build unix

package signals_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/signals"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// lines keeps what is logged, as the hub logs it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) logger() *slog.Logger {
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(trace.Handler(slog.NewJSONHandler(l, &slog.HandlerOptions{ReplaceAttr: drop})))
}

// read returns the lines whose message is msg.
func (l *lines) read(t *testing.T, msg string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	d := json.NewDecoder(bytes.NewReader(l.text.Bytes()))
	for d.More() {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] == msg {
			out = append(out, line)
		}
	}
	return out
}

// begin starts signals that end with the test.
func begin(t *testing.T, c signals.Config) *signals.Signals {
	t.Helper()
	s, err := signals.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stop(t, s, 5*time.Second) })
	return s
}

// patience is what has to happen anyhow has time for, on a crowded machine too.
const patience = 30 * time.Second

// stop fails when it takes longer than limit and a second.
func stop(t *testing.T, s *signals.Signals, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	began := time.Now()
	s.Stop(ctx)
	if took := time.Since(began); took > limit+time.Second {
		t.Errorf("Stop took %v, it had %v", took, limit)
	}
}

// aRun is a run with its ids.
func aRun() *signals.Run {
	return &signals.Run{
		TraceID: trace.New(), ID: id.New(), Incident: id.New(), Pipeline: "full", Source: "grafana", Fingerprint: "f-1", Environment: "production",
		Attempts: 1,
	}
}

// at is when things of tests begin.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// life is a run whose notify node fails once.
func life(r *signals.Run) []signals.Event {
	return []signals.Event{
		{Kind: signals.RunStarted, Run: r, At: at},
		{Kind: signals.StageStarted, Run: r, Stage: "notify", Node: "tell", Attempt: 1, At: at},
		{
			Kind: signals.StageFailed, Run: r, Stage: "notify", Node: "tell", Attempt: 1, At: at, Took: 1500 * time.Microsecond, Count: 1,
			ErrorType: "timeout", Message: "POST https://hooks.example.org/secret-path: timeout", Retryable: true,
		},
		{Kind: signals.StageRetrying, Run: r, Stage: "notify", Node: "tell", Attempt: 1, Delay: 2500 * time.Millisecond, Count: 1},
		{Kind: signals.StageStarted, Run: r, Stage: "notify", Node: "tell", Attempt: 2, At: at.Add(3 * time.Second)},
		{Kind: signals.StageSucceeded, Run: r, Stage: "notify", Node: "tell", Attempt: 2, At: at.Add(3 * time.Second), Took: 20 * time.Millisecond},
		{Kind: signals.RunEnded, Run: r, At: at, Took: 3020 * time.Millisecond, Status: "notified"},
	}
}

// packets is a statsd of the test.
type packets struct {
	conn net.PacketConn
	port int
}

func listen(t *testing.T) packets {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return packets{conn, conn.LocalAddr().(*net.UDPAddr).Port}
}

// read returns one packet's text.
func (p packets) read(t *testing.T) string {
	t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64<<10)
	n, _, err := p.conn.ReadFrom(b)
	if err != nil {
		t.Fatalf("no packet: %v", err)
	}
	return string(b[:n])
}

// fast emits n lives and fails when that had to wait.
func fast(t *testing.T, s *signals.Signals, n int) {
	t.Helper()
	r := aRun()
	began := time.Now()
	for range n {
		s.Emit(life(r))
	}
	// A backend that is waited for takes seconds; the rest is for a crowded machine under -race.
	if took := time.Since(began); took > time.Duration(n)*time.Millisecond+2*time.Second {
		t.Errorf("%d transactions waited %v for signals", n, took)
	}
}
