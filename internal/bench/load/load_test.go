//go:build unix

package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	r := newRequest("hub:80", "key", 2, time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC))
	r.patch(41, 0)
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(r.raw))))
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Alerts []struct {
			Fingerprint string
			Labels      map[string]string
			StartsAt    time.Time
		}
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	got := []string{req.Header.Get("Authorization")}
	for _, a := range body.Alerts {
		got = append(got, a.Labels["instance"], a.Fingerprint)
	}
	want := []string{"Bearer key", "node-0000000041", fmt.Sprintf("%016x", scramble(41)), "node-0000000042", fmt.Sprintf("%016x", scramble(42))}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	one := newRequest("hub:80", "key", 1, time.Now())
	if n := len(one.raw); n < 1900 || n > 2300 { // head and a body of 1.9 KB
		t.Errorf("a request of one alert has %d bytes", n)
	}
	r.patch(1005, 1000)
	if seq, ok := seqOf(r.raw); !ok || seq != 5 {
		t.Errorf("alert 1005 of 1000 is %d, %t", seq, ok)
	}
}

// hub answers as a hub does, and tells the receiver what it is told to.
type hub struct {
	mu     sync.Mutex
	bodies []string
	refuse int
	tell   func(n int) (times int)
	to     string
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies = append(h.bodies, string(raw))
	n := len(h.bodies)
	if err != nil || n == h.refuse {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "busy")
		return
	}
	for range h.tell(n) {
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(httptest.NewRequest(http.MethodPost, h.to, strings.NewReader(string(raw))))
		if err == nil {
			res.Body.Close()
		}
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"queued"}`)
}

func TestDrive(t *testing.T) {
	t.Parallel()
	type seen struct {
		Alerts, Accepted, Refused, Arrivals, Repeats, Strange int64
		Missing                                               int
		Answer                                                string
	}
	once := func(int) int { return 1 }
	for name, tt := range map[string]struct {
		plan   Plan
		refuse int
		tell   func(int) int
		want   seen
	}{
		"all well":        {Plan{Clients: 3, Batch: 1, Alerts: 20}, 0, once, seen{Alerts: 20, Accepted: 20, Arrivals: 20}},
		"ten a request":   {Plan{Clients: 1, Batch: 10, Alerts: 40}, 0, func(int) int { return 0 }, seen{Alerts: 40, Accepted: 40, Missing: 40}},
		"an open loop":    {Plan{Clients: 2, Batch: 1, Alerts: 10, Rate: 1000}, 0, once, seen{Alerts: 10, Accepted: 10, Arrivals: 10}},
		"one refused":     {Plan{Clients: 1, Batch: 1, Alerts: 5}, 2, once, seen{Alerts: 5, Accepted: 4, Refused: 1, Arrivals: 4, Missing: 1, Answer: "503 busy"}},
		"one lost":        {Plan{Clients: 1, Batch: 1, Alerts: 5}, 0, func(n int) int { return min(n-1, 1) }, seen{Alerts: 5, Accepted: 5, Arrivals: 4, Missing: 1}},
		"one told twice":  {Plan{Clients: 1, Batch: 1, Alerts: 5}, 0, func(n int) int { return 1 + n/5 }, seen{Alerts: 5, Accepted: 5, Arrivals: 5, Repeats: 1}},
		"the same alerts": {Plan{Clients: 1, Batch: 1, Alerts: 6, Distinct: 3}, 0, once, seen{Alerts: 6, Accepted: 6, Arrivals: 3, Repeats: 3, Missing: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := NewReceiver(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h := &hub{refuse: tt.refuse, tell: tt.tell, to: r.URL()}
			server := httptest.NewServer(h)
			defer server.Close()
			book := NewBook()
			r.Into(book)
			tt.plan.Address, tt.plan.Key = server.Listener.Addr().String(), "key"
			got, err := book.Drive(t.Context(), tt.plan)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			saw := seen{
				Alerts: got.End - got.First, Accepted: got.Accepted(tt.plan.Batch), Refused: got.Refused, Arrivals: book.Arrivals.Load(),
				Repeats: book.Repeats.Load(), Strange: book.Strange.Load(), Missing: book.Missing(got.First, got.End), Answer: got.Answer,
			}
			if diff := cmp.Diff(tt.want, saw); diff != "" {
				t.Error(diff)
			}
			if n := len(book.Latencies(got.First, got.End)); int64(n) != saw.Arrivals {
				t.Errorf("%d latencies of %d arrivals", n, saw.Arrivals)
			}
		})
	}
}

func TestDriveEndsWithTheTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&hub{tell: func(int) int { return 0 }})
	defer server.Close()
	got, err := NewBook().Drive(t.Context(), Plan{Address: server.Listener.Addr().String(), Clients: 2, Batch: 1, For: time.Second})
	if err != nil || got.Took < time.Second || got.Accepted(1) == 0 {
		t.Errorf("%d accepted in %s: %v", got.Accepted(1), got.Took, err)
	}
}

func TestDriveWithoutHub(t *testing.T) {
	t.Parallel()
	if _, err := NewBook().Drive(context.Background(), Plan{Address: "127.0.0.1:1", Clients: 1, Batch: 1, Alerts: 1}); err == nil {
		t.Error("no error though nobody listens")
	}
}

func TestReceiverTakesAnySize(t *testing.T) {
	t.Parallel()
	r, err := NewReceiver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	book := NewBook()
	book.next.Store(3)
	r.Into(book)
	client := &http.Client{Transport: &http.Transport{}}
	for _, body := range []string{"node-0000000001", strings.Repeat("x", 100_000) + "node-0000000002", "nothing", "node-0000000009"} {
		res, err := client.Post(r.URL(), "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 {
			t.Errorf("answered %s", res.Status)
		}
		res.Body.Close()
	}
	client.CloseIdleConnections()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if a, s := book.Arrivals.Load(), book.Strange.Load(); a != 2 || s != 2 {
		t.Errorf("%d arrived, %d strange; want 2 and 2", a, s)
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	if got := Percentile(all, .5); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
	for i := range 100 {
		all = append(all, time.Duration(i))
	}
	if a, b, c := Percentile(all, .5), Percentile(all, .99), Percentile(all, 1); a != 50 || b != 99 || c != 99 {
		t.Errorf("p50 %d, p99 %d, p100 %d", a, b, c)
	}
}
