package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

func zipped(t *testing.T, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBodies: what may come in, in which wrapping, and what is answered to the rest. Nothing of the rest is written.
func TestBodies(t *testing.T) {
	t.Parallel()
	good := servertest.Fire("Disk")
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	many := `{"alerts":[` + strings.Repeat(`{"name":"x"},`, 10_000) + `{"name":"x"}]}`
	bomb := `{"name":"x","pad":"` + strings.Repeat("A", 9<<20) + `"}`
	engines(t, nil, func(t *testing.T, h hub) {
		for name, tt := range map[string]struct {
			path    string
			body    any
			headers []string
			want    int
		}{
			"plain":                  {"", good, nil, 202},
			"no content type":        {"", good, []string{"Content-Type", ""}, 202},
			"charset utf-8":          {"", good, []string{"Content-Type", `application/JSON; charset="UTF-8"`}, 202},
			"charset latin1":         {"", good, []string{"Content-Type", "application/json; charset=iso-8859-1"}, 202},
			"text/plain":             {"", good, []string{"Content-Type", "text/plain; charset=UTF-8"}, 202},
			"vendor json":            {"", good, []string{"Content-Type", "application/vnd.x+json"}, 202},
			"byte order mark":        {"", "\xef\xbb\xbf" + good, nil, 202},
			"chunked":                {"", strings.NewReader("  " + good + "\n"), nil, 202},
			"gzip":                   {"", zipped(t, good), []string{"Content-Encoding", "gzip"}, 202},
			"gzip, upper case":       {"", zipped(t, good), []string{"Content-Encoding", "GZIP"}, 202},
			"identity":               {"", good, []string{"Content-Encoding", "identity"}, 202},
			"gzip of nothing":        {"", good, []string{"Content-Encoding", "gzip"}, 400},
			"gzip cut off":           {"", zipped(t, good)[:60], []string{"Content-Encoding", "gzip"}, 400},
			"gzip bomb":              {"", zipped(t, bomb), []string{"Content-Encoding", "gzip"}, 413},
			"gzip twice":             {"", zipped(t, good), []string{"Content-Encoding", "gzip, gzip"}, 415},
			"brotli":                 {"", good, []string{"Content-Encoding", "br"}, 415},
			"form":                   {"", "payload=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
			"xml":                    {"", "<x/>", []string{"Content-Type", "application/xml"}, 415},
			"html":                   {"", "<html>", []string{"Content-Type", "text/html"}, 415},
			"multipart":              {"", "x", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
			"broken type":            {"", good, []string{"Content-Type", "/;"}, 415},
			"text that is no json":   {"", "hello", []string{"Content-Type", "text/plain"}, 400},
			"empty":                  {"", "", nil, 400},
			"white space":            {"generic/", " \n\t ", nil, 400},
			"null":                   {"", "null", nil, 400},
			"list":                   {"", `[{"name":"x"}]`, nil, 400},
			"text":                   {"", `"x"`, nil, 400},
			"number":                 {"", `1e999`, nil, 400},
			"cut off":                {"", good[:len(good)/2], nil, 400},
			"two documents":          {"", good + good, nil, 400},
			"trailing comma":         {"", `{"name":"x",}`, nil, 400},
			"python":                 {"", `{'name': None}`, nil, 400},
			"NUL byte":               {"", "{\"name\":\"a\x00b\"}", nil, 400},
			"utf-16":                 {"", "\xff\xfe{\x00}\x00", nil, 400},
			"too deep":               {"generic/", `{"name":"x","annotations":` + deep + `}`, nil, 400},
			"far too deep":           {"", strings.Repeat(`{"a":`, 50_000), nil, 400},
			"too many alerts":        {"generic/", many, nil, 400},
			"one byte over":          {"generic/", `{"name":"` + strings.Repeat("x", 8<<20-10) + `"}`, nil, 413},
			"over, chunked":          {"", strings.NewReader(bomb), nil, 413},
			"exactly the limit":      {"generic/", `{"name":"x"` + strings.Repeat(" ", 8<<20-12) + `}`, nil, 202},
			"unknown driver":         {"nosuch/", good, nil, 404},
			"unknown driver, broken": {"nosuch/", `{`, nil, 404},
			"unknown source":         {"?source=nobody", good, nil, 404},
			"empty object":           {"", `{}`, nil, 422},
		} {
			post := func() servertest.Answer { return h.Ask(http.MethodPost, door+tt.path, tt.body, tt.headers...) }
			switch tt.want {
			case http.StatusAccepted:
				if a := post(); a.Status != tt.want || a.JSON()["outcome"] != "queued" {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
				}
			case http.StatusUnprocessableEntity:
				refused(t, name, post(), tt.want)
			default:
				h.Rest()
				nothingWritten(t, h, func() { refused(t, name, post(), tt.want) })
			}
		}
		atRest(t, h, nil)
	})
}

func TestUnknownDriver(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		a := h.Ask(method, door+"nosuch/", map[string]any{"POST": `{}`, "GET": nil}[method])
		b := a.JSON()
		names, _ := b["available_drivers"].([]any)
		if a.Status != http.StatusNotFound || b["status"] != "error" || b["message"] != "Unknown driver" || b["driver"] != "nosuch" || len(names) < 8 {
			t.Errorf("%s: %d %s", method, a.Status, a.Body)
		}
	}
	for _, path := range []string{"/alerts/webhook", "/alerts/webhook/", "/alerts/webhook/generic", "/alerts/webhook/generic/"} {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := h.Ask(method, path, `{}`)
			if a.Status != http.StatusMethodNotAllowed || !strings.Contains(a.Header.Get("Allow"), "POST") || len(a.Body) == 0 {
				t.Errorf("%s %s: %d, Allow %q, %s", method, path, a.Status, a.Header.Get("Allow"), a.Body)
			}
		}
	}
	if a := h.Ask(http.MethodPost, "/alerts/webhook/generic/more", `{}`); a.Status != http.StatusNotFound {
		t.Errorf("longer path: %d", a.Status)
	}
}

// TestOverload: what does not fit is answered before it is stored, in the way that makes senders come back.
func TestOverload(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, map[string]string{"HUB_MAX_BODY": "1KiB", "HUB_MAX_INFLIGHT_BYTES": "1KiB"})
	var block *slowBody
	feed := make(chan servertest.Answer, 1)
	slow := func() {
		block = newSlowBody(`{"name":"slow"`)
		go func(block *slowBody) {
			a, err := h.Try(http.MethodPost, door, block)
			if err != nil {
				t.Error(err)
			}
			feed <- a
		}(block)
		<-block.read
	}
	slow()
	nothingWritten(t, h, func() {
		var a servertest.Answer
		testkit.Eventually(t, time.Minute, func() bool { // until the hub reads the slow one: then all its room is taken
			select {
			case early := <-feed: // the hub was looking at one of these when it came: it is the one that did not fit
				if early.Status != http.StatusServiceUnavailable {
					t.Fatalf("the slow one: %d %s", early.Status, early.Body)
				}
				close(block.end)
				slow()
			default:
			}
			a = h.Ask(http.MethodPost, door, `no JSON`)
			return a.Status == http.StatusServiceUnavailable
		}, "the hub takes more than fits")
		refused(t, "full", a, http.StatusServiceUnavailable)
	})
	block.end <- `}`
	close(block.end)
	if a := <-feed; a.Status != http.StatusAccepted {
		t.Errorf("the slow one: %d %s", a.Status, a.Body)
	}
	if status, raw := h.Do(http.MethodPost, door, `{"name":"x"}`); status != http.StatusAccepted {
		t.Errorf("afterwards: %d %s", status, raw)
	}
}

// slowBody gives its beginning at once and its end when it is told to.
type slowBody struct {
	begin string
	read  chan struct{}
	end   chan string
}

func newSlowBody(begin string) *slowBody {
	return &slowBody{begin: begin, read: make(chan struct{}), end: make(chan string, 1)}
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.begin != "" {
		n := copy(p, b.begin)
		b.begin = b.begin[n:]
		return n, nil
	}
	select {
	case <-b.read:
	default:
		close(b.read)
	}
	if s, ok := <-b.end; ok {
		return copy(p, s), nil
	}
	return 0, io.EOF
}
