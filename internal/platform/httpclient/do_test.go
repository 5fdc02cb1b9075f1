package httpclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestDo(t *testing.T) {
	t.Parallel()
	srv := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "%s %s %q %q", r.Method, body, r.UserAgent(), r.Header.Get("Accept-Encoding"))
	})
	resp, err := post(t, client(t), srv.URL+"/x", `{"a":1}`)
	if err != nil {
		t.Fatal(err)
	}
	want := `POST {"a":1} "incidenthub" ""`
	if resp.Status != http.StatusTeapot || string(resp.Body) != want || resp.Header.Get("X-Got") != "k-1" ||
		resp.Truncated || resp.BodyErr != nil || resp.Latency <= 0 {
		t.Errorf("got %+v, want 418 with body %s", resp, want)
	}
}

func TestDoLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	srv := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	c := client(t, func(c *httpclient.Config) { c.UserAgent = "hub/1" })
	for want, header := range map[string]http.Header{
		"hub/1":  nil,
		"custom": {"User-Agent": {"custom"}},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		req.RequestURI = ""
		req.Header = header.Clone()
		resp, err := c.Do(t.Context(), req)
		if err != nil || string(resp.Body) != want {
			t.Errorf("User-Agent %q, %v; want %q", resp.Body, err, want)
		}
		if len(req.Header) != len(header) {
			t.Errorf("the caller's header was changed: %v", req.Header)
		}
	}
}

func TestDoClosesTheBody(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"refused by form": "http://0x7f.1/", "refused by address": "http://10.0.0.1/"} {
		body := &closer{Reader: strings.NewReader("x")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client(t).Do(t.Context(), req); err == nil || !body.closed.Load() {
			t.Errorf("%s: %v, closed %t; want an error and a closed body", name, err, body.closed.Load())
		}
	}
	if _, err := client(t).Do(t.Context(), &http.Request{}); !errors.Is(err, httpclient.ErrBadURL) {
		t.Errorf("no URL: %v, want ErrBadURL", err)
	}
}

type closer struct {
	io.Reader
	closed atomic.Bool
}

func (c *closer) Close() error { c.closed.Store(true); return nil }

func TestBodyCap(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size      int
		chunked   bool
		truncated bool
	}{
		"empty":                {0, false, false},
		"at the cap":           {1000, false, false},
		"one over":             {1001, false, true},
		"at the cap, chunked":  {1000, true, false},
		"one over, chunked":    {1001, true, true},
		"ten MiB":              {10 << 20, false, true},
		"ten MiB, chunked":     {10 << 20, true, true},
		"lies about the size":  {-1 << 40, false, true},
		"without end, chunked": {1 << 40, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := server(t, func(w http.ResponseWriter, _ *http.Request) {
				size := tt.size
				if size < 0 {
					size = -size
				}
				if !tt.chunked {
					w.Header().Set("Content-Length", strconv.Itoa(size))
				} else {
					w.WriteHeader(http.StatusOK)
					_ = http.NewResponseController(w).Flush()
				}
				for chunk := strings.Repeat("x", 4096); size > 0; size -= len(chunk) {
					if _, err := io.WriteString(w, chunk[:min(size, len(chunk))]); err != nil {
						return
					}
				}
			})
			c := client(t, func(c *httpclient.Config) { c.MaxResponse = 1000 })
			resp, err := get(t, c, srv.URL)
			if err != nil || resp.Status != http.StatusOK || resp.Truncated != tt.truncated || resp.BodyErr != nil {
				t.Fatalf("got %d truncated %t, %v, %v; want 200 truncated %t", resp.Status, resp.Truncated, resp.BodyErr, err, tt.truncated)
			}
			if want := min(1000, max(tt.size, -tt.size)); len(resp.Body) != want {
				t.Errorf("%d bytes of body, want %d", len(resp.Body), want)
			}
		})
	}
}

func TestGzipBombStaysPacked(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	for range 4 {
		_, _ = zw.Write(make([]byte, 1<<20))
	}
	_ = zw.Close()
	srv := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	resp, err := get(t, client(t), srv.URL)
	if err != nil || !bytes.Equal(resp.Body, packed.Bytes()) {
		t.Errorf("%d bytes, %v; want the %d packed ones", len(resp.Body), err, packed.Len())
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	srv := server(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		w.Header().Set("Location", "http://169.254.169.254/latest")
		if r.URL.Path == "/loop" {
			w.Header().Set("Location", "/loop")
		}
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	c := client(t)
	for _, path := range []string{"/loop", "/private"} {
		hits.Store(0)
		resp, err := post(t, c, srv.URL+path, "x")
		if err != nil || resp.Status != http.StatusTemporaryRedirect || hits.Load() != 1 {
			t.Errorf("%s: %d, %v after %d requests; want the 307 after 1", path, resp.Status, err, hits.Load())
		}
		if v := resp.Verdict(); v.Outcome != httpclient.Permanent {
			t.Errorf("%s: verdict %v, want permanent", path, v)
		}
	}
}

func TestDoObeysContext(t *testing.T) {
	t.Parallel()
	url := raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = client(t).Do(ctx, req)
	if !errors.Is(err, context.Canceled) || fault.Class(err) != "canceled" {
		t.Errorf("Do = %v (%s), want canceled", err, fault.Class(err))
	}
	if v := httpclient.Judge(0, nil, err, time.Time{}); v.Outcome != httpclient.Retry {
		t.Errorf("verdict %v: a cancelled delivery must not be given up", v)
	}
}

// TestOneRequestOnTheWire: net/http replays requests with an Idempotency-Key on other idle connections when the server
// drops one. The queue counts attempts, so it must not.
func TestOneRequestOnTheWire(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	together := make(chan struct{})
	var warm sync.WaitGroup
	warm.Add(3)
	go func() { warm.Wait(); close(together) }()
	srv := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/warm" {
			warm.Done()
			<-together // three at once: three connections
			return
		}
		posts.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	})
	c := client(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if resp, err := post(t, c, srv.URL+"/warm", "x"); err != nil || resp.Status != http.StatusOK {
				t.Errorf("warm up: %d, %v", resp.Status, err)
			}
		})
	}
	wg.Wait()
	if _, err := post(t, c, srv.URL+"/drop", "x"); fault.Class(err) != "reset" {
		t.Errorf("Do = %v (%s), want a reset", err, fault.Class(err))
	}
	if got := posts.Load(); got != 1 {
		t.Errorf("the receiver saw %d requests, want 1", got)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	srv := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 5000)) })
	c := client(t)
	var reused int
	for range 5 {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused++
			}
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(ctx, req); err != nil {
			t.Fatal(err)
		}
	}
	if reused != 4 {
		t.Errorf("%d of 5 calls reused a connection, want 4", reused)
	}
}

// TestNoProxyFromEnvironment changes the environment, so it is not parallel.
func TestNoProxyFromEnvironment(t *testing.T) {
	var proxied atomic.Int32
	proxy := server(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	srv := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := client(t)
	c.Resolve(resolver(map[string][]netip.Addr{"hub.example": {netip.MustParseAddr("127.0.0.1")}}))
	resp, err := get(t, c, "http://hub.example:"+port+"/")
	if err != nil || resp.Status != http.StatusNoContent || proxied.Load() != 0 {
		t.Errorf("got %d, %v, %d requests at the proxy; want 204 and none", resp.Status, err, proxied.Load())
	}
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = quiet()
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := get(t, client(t), srv.URL)
	if fault.Class(err) != "tls" {
		t.Errorf("a certificate nobody signed: %v (%s), want tls", err, fault.Class(err))
	}
	if v := httpclient.Judge(0, nil, err, time.Time{}); v.Outcome != httpclient.Retry {
		t.Errorf("verdict %v, want retry: certificates get mended", v)
	}
}

func BenchmarkDo(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer srv.Close()
	c, err := httpclient.New(httpclient.Config{Allow: []string{"127.0.0.1"}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	body := bytes.Repeat([]byte("x"), 1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL, bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			if resp, err := c.Do(b.Context(), req); err != nil || resp.Status != http.StatusNoContent {
				b.Error(resp.Status, err)
				return
			}
		}
	})
}
