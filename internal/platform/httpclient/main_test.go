package httpclient_test

import (
	"context"
	"encoding/binary"
	"log" //nolint:depguard // net/http.Server wants one
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns a Client that may call 127.0.0.1 on any port.
func client(t *testing.T, change ...func(*httpclient.Config)) *httpclient.Client {
	t.Helper()
	c := httpclient.Config{Allow: []string{"127.0.0.1"}, Timeout: time.Minute}
	for _, f := range change {
		f(&c)
	}
	out, err := httpclient.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

func allow(entries ...string) func(*httpclient.Config) {
	return func(c *httpclient.Config) { c.Allow = entries }
}

func timeout(d time.Duration) func(*httpclient.Config) {
	return func(c *httpclient.Config) { c.Timeout = d }
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, c *httpclient.Client, url string) (httpclient.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t.Context(), req)
}

func post(t *testing.T, c *httpclient.Client, url, body string) (httpclient.Response, error) {
	t.Helper()
	return postIn(t.Context(), t, c, url, body)
}

func postIn(ctx context.Context, t *testing.T, c *httpclient.Client, url, body string) (httpclient.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "k-1")
	return c.Do(ctx, req)
}

// raw serves plain TCP: f gets each connection once its request's head has been read, and it is closed after f.
func raw(t *testing.T, f func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				buf := make([]byte, 64<<10)
				if _, err := conn.Read(buf); err == nil {
					f(conn)
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

// names answers DNS from memory: each question for a name takes the next of its addresses, the last one for ever.
type names struct {
	mu    sync.Mutex
	addrs map[string][]netip.Addr
	asked map[string]int
}

func resolver(addrs map[string][]netip.Addr) *net.Resolver {
	n := &names{addrs: addrs, asked: map[string]int{}}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go n.serve(far)
		return near, nil
	}}
}

// serve speaks DNS over a stream (RFC 1035 4.2.2), which is what the resolver uses on a net.Conn that is no PacketConn.
func (n *names) serve(c net.Conn) {
	defer c.Close()
	for {
		head := make([]byte, 2)
		if _, err := c.Read(head); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(head))
		for got := 0; got < len(q); {
			k, err := c.Read(q[got:])
			if err != nil {
				return
			}
			got += k
		}
		a := n.answer(q)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}

func (n *names) answer(q []byte) []byte {
	end, labels := 12, []string{}
	for q[end] != 0 {
		l := int(q[end])
		labels = append(labels, string(q[end+1:end+1+l]))
		end += 1 + l
	}
	kind := binary.BigEndian.Uint16(q[end+1:])
	question := q[12 : end+5]
	addr, ok := n.next(strings.ToLower(strings.Join(labels, ".")), kind)
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if ok {
		a[7] = 1
		data := addr.AsSlice()
		a = append(a, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(data)))
		a = append(a, data...)
	}
	return a
}

func (n *names) next(name string, kind uint16) (netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.addrs[name]
	if len(list) == 0 {
		return netip.Addr{}, false
	}
	i := min(n.asked[name], len(list)-1)
	want := uint16(1) // A
	if list[i].Is6() {
		want = 28 // AAAA
	}
	if kind != want {
		return netip.Addr{}, false
	}
	n.asked[name]++
	return list[i], true
}

func quiet() *log.Logger { return slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) }
