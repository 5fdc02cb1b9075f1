package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/api"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	e, err := api.NewEngine(api.EngineConfig{Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("nothing new here; ", 500)
	e.GET("/long", func(c *gin.Context) { c.Data(http.StatusTeapot, "text/html; charset=utf-8", []byte(long)) })
	e.HEAD("/long", func(c *gin.Context) { c.Data(http.StatusTeapot, "text/html; charset=utf-8", []byte(long)) })
	e.GET("/json", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"a": long}) })
	e.GET("/short", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	e.GET("/packed", func(c *gin.Context) {
		c.Header("Content-Encoding", "br")
		c.Data(http.StatusOK, "text/css", []byte(long))
	})
	e.GET("/none", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	e.GET("/away", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/short") })
	e.GET("/panic", func(*gin.Context) { panic("at once") })
	e.GET("/late", func(c *gin.Context) {
		_, _ = c.Writer.WriteString(long)
		panic("in the middle")
	})
	e.POST("/alerts/webhook/:driver/", func(c *gin.Context) { c.String(http.StatusAccepted, long) })
	s := httptest.NewServer(e)
	defer s.Close()
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for name, tt := range map[string]struct {
		method, path, accept string
		status               int
		encoding, body       string
		vary                 bool
	}{
		"a page":             {"GET", "/long", "gzip, deflate, br", 418, "gzip", long, true},
		"any":                {"GET", "/json", "gzip", 200, "gzip", `{"a":"` + long + `"}`, true},
		"only zstd":          {"GET", "/long", "zstd", 418, "", long, true},
		"not accepted":       {"GET", "/long", "", 418, "", long, true},
		"refused":            {"GET", "/long", "gzip;q=0", 418, "", long, true},
		"short":              {"GET", "/short", "gzip", 200, "", "ok", true},
		"head":               {"HEAD", "/long", "gzip", 418, "", "", true},
		"compressed already": {"GET", "/packed", "gzip", 200, "br", long, true},
		"nothing":            {"GET", "/none", "gzip", 204, "", "", true},
		"redirect":           {"GET", "/away", "gzip", 303, "", "<a href=\"/short\">See Other</a>.\n\n", true},
		"a webhook's answer": {"POST", "/alerts/webhook/grafana/", "gzip", 202, "", long, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.accept != "" {
			req.Header.Set("Accept-Encoding", tt.accept)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		body := raw
		if tt.encoding == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(raw))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if body, err = io.ReadAll(z); err != nil || len(raw) > len(body)/5 {
				t.Errorf("%s: %v, %d of %d bytes", name, err, len(raw), len(body))
			}
		}
		if res.StatusCode != tt.status || res.Header.Get("Content-Encoding") != tt.encoding || string(body) != tt.body || (res.Header.Get("Vary") != "") != tt.vary {
			t.Errorf("%s: %d %v %.60q", name, res.StatusCode, res.Header, body)
		}
	}
	ask := func(path string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip")
		return client.Do(req)
	}
	res, err := ask("/panic")
	if err != nil || res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("a panic: %v %v", res, err)
	}
	res.Body.Close()
	if res, err = ask("/late"); err == nil { // half an answer must not look whole
		if _, err = io.ReadAll(res.Body); err == nil {
			t.Error("an answer that broke off looks whole")
		}
		res.Body.Close()
	}
}

// TestStreamsAreNotHeldBack reads the first event although the reader would take gzip, which would wait for more.
func TestStreamsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	s := httptest.NewServer(h.engine)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Authorization", "Bearer "+h.read)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	found := false
	for !found && lines.Scan() {
		found = lines.Text() == "event: reload"
	}
	if !found || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v: %q", res.Header, lines.Text())
	}
}
