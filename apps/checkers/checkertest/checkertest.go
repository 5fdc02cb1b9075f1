// Package checkertest runs checks on recorded and made-up hosts.
package checkertest

import (
	"context"
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Run runs a check as the hub does: settings ("" or a JSON object, with thresholds and timeout among them), deadline, panics. The probe is
// asked for one sample, or for two where the check's Spec says Pair, with a second between them.
func Run(t testing.TB, c checkers.Checker, p host.Probe, config string) checkers.Result {
	t.Helper()
	in := checkers.Input{Probe: p, Config: json.RawMessage(config)}
	spec := c.Spec()
	if !spec.Endpoint {
		in.Sample = sample(t, p)
	}
	if spec.Pair {
		in.Before = in.Sample
		if err := p.Wait(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		in.Sample = sample(t, p)
	}
	return With(t, c, in)
}

// With is Run for an Input of one's own.
func With(t testing.TB, c checkers.Checker, in checkers.Input) checkers.Result {
	t.Helper()
	r := checkers.Once(t.Context(), c, in)
	if raw, err := json.Marshal(r.Metrics); err != nil {
		t.Errorf("%s: metrics that JSON does not know: %v", r.CheckerName, err)
	} else if strings.Contains(string(raw), ":null") && r.Status == checkers.OK && !r.Skipped {
		t.Logf("%s: a metric is null: %s", r.CheckerName, raw)
	}
	if r.Message == "" {
		t.Errorf("%s says nothing", r.CheckerName)
	}
	return r
}

func sample(t testing.TB, p host.Probe) *host.Sample {
	t.Helper()
	s, err := p.Sample(t.Context())
	if err != nil {
		t.Fatalf("sample: %v", err)
	}
	return s
}

// Host is a made-up host. What it does not hold is not there. It is safe for concurrent use.
type Host struct {
	Samples     []*host.Sample // given in turn, the last one again and again
	Fails       error          // of Sample
	Walks       map[string]*host.Walk
	Files       map[string]string // also those that Read finds
	Lists       map[string][]string
	PIDs        []host.Pidfile
	Connections map[string]host.Connection
	Answers     map[string]host.Answer // by "server name"

	mu   sync.Mutex
	next int
}

var _ host.Probe = (*Host)(nil)

// Sample implements host.Probe.
func (h *Host) Sample(ctx context.Context) (*host.Sample, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Fails != nil || ctx.Err() != nil || len(h.Samples) == 0 {
		if h.Fails != nil {
			return nil, h.Fails
		}
		return nil, fs.ErrNotExist
	}
	s := h.Samples[min(h.next, len(h.Samples)-1)]
	h.next++
	return s, nil
}

// Walk implements host.Probe.
func (h *Host) Walk(_ context.Context, root string, _ host.WalkOptions) (*host.Walk, error) {
	if w := h.Walks[root]; w != nil {
		return w, nil
	}
	return nil, fs.ErrNotExist
}

// Read implements host.Probe.
func (h *Host) Read(_ context.Context, path string) ([]byte, error) {
	if s, ok := h.Files[path]; ok {
		return []byte(s), nil
	}
	return nil, fs.ErrNotExist
}

// List implements host.Probe.
func (h *Host) List(_ context.Context, path string) ([]string, error) {
	if l, ok := h.Lists[path]; ok {
		return slices.Sorted(slices.Values(l)), nil
	}
	return nil, fs.ErrNotExist
}

// Pidfiles implements host.Probe.
func (h *Host) Pidfiles(context.Context) ([]host.Pidfile, error) { return h.PIDs, nil }

// Connect implements host.Probe.
func (h *Host) Connect(_ context.Context, address, _ string) host.Connection {
	if c, ok := h.Connections[address]; ok {
		return c
	}
	return host.Connection{Address: address, Error: "refused"}
}

// Lookup implements host.Probe.
func (h *Host) Lookup(_ context.Context, server, name string) host.Answer {
	if a, ok := h.Answers[server+" "+name]; ok {
		return a
	}
	return host.Answer{Server: server, Name: name, Error: "no such host"}
}

// Wait implements host.Probe. It does not wait.
func (h *Host) Wait(ctx context.Context, _ time.Duration) error { return ctx.Err() }
