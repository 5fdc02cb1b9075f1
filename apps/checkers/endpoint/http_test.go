package endpoint_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log" //nolint:depguard // net/http.Server wants one
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "all systems go") })
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s host=%s agent=%s x=%s auth=%s body=%s", r.Method, r.URL.RawQuery, r.Host, r.UserAgent(), r.Header.Get("X-Token"), r.Header.Get("Authorization"), body)
	})
	mux.HandleFunc("/hops/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		if n == 0 {
			_, _ = io.WriteString(w, "arrived")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/hops/%d", n-1), http.StatusFound)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("u"))
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("again and again ", 4096)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 200 {
			if _, err := z.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		_ = z.Close()
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(60 * time.Millisecond)
		_, _ = io.WriteString(w, "slow but there")
	})
	mux.HandleFunc("/never", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
	})
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	s, other := site(t), site(t)
	for name, tt := range map[string]struct {
		path    string
		config  map[string]any
		status  checkers.Status
		message string
	}{
		"well":                     {"/ok", nil, checkers.OK, "/ok: answers 200 in "},
		"wrong status":             {"/status/503", nil, checkers.Critical, "/status/503: answers 503, want 200-299"},
		"expected status":          {"/status/503", map[string]any{"expect_status": []any{200, "500-599"}}, checkers.OK, "answers 503"},
		"status as a number":       {"/status/401", map[string]any{"expect_status": 401}, checkers.OK, "answers 401"},
		"status as a class":        {"/status/404", map[string]any{"expect_status": "2xx, 4XX"}, checkers.OK, "answers 404"},
		"status not in the list":   {"/ok", map[string]any{"expect_status": []any{201, "300-399"}}, checkers.Critical, "answers 200, want 201 or 300-399"},
		"text":                     {"/ok", map[string]any{"expect_body": "systems"}, checkers.OK, "answers 200"},
		"text that is not there":   {"/ok", map[string]any{"expect_body": "offline"}, checkers.Critical, `answers 200, but the answer does not contain "offline"`},
		"pattern":                  {"/ok", map[string]any{"expect_body_regex": "^all .* go$"}, checkers.OK, "answers 200"},
		"pattern without a match":  {"/ok", map[string]any{"expect_body_regex": "^go"}, checkers.Critical, `does not match "^go"`},
		"forbidden text":           {"/ok", map[string]any{"forbid_body": "systems"}, checkers.Critical, `contains "systems"`},
		"forbidden, not there":     {"/ok", map[string]any{"forbid_body": "error", "forbid_body_regex": "fail(ed|ure)"}, checkers.OK, "answers 200"},
		"forbidden pattern":        {"/ok", map[string]any{"forbid_body_regex": "a[l]+"}, checkers.Critical, `contains "a[l]+"`},
		"request as told":          {"/echo?q=1", map[string]any{"method": "POST", "headers": map[string]string{"X-Token": "t0ken-t0ken", "Host": "shop.example", "User-Agent": "me"}, "body": "hello", "expect_body": "POST q=1 host=shop.example agent=me x=t0ken-t0ken auth= body=hello"}, checkers.OK, "/echo?…: answers 200"},
		"our name":                 {"/echo", map[string]any{"expect_body": "agent=incidenthub"}, checkers.OK, "answers 200"},
		"head":                     {"/ok", map[string]any{"method": "HEAD"}, checkers.OK, "answers 200"},
		"redirects":                {"/hops/10", map[string]any{"expect_body": "arrived"}, checkers.OK, "answers 200"},
		"too many redirects":       {"/hops/11", nil, checkers.Critical, "it redirects more than 10 times"},
		"loop":                     {"/loop", map[string]any{"max_redirects": 3}, checkers.Critical, "it redirects more than 3 times"},
		"no redirects":             {"/hops/1", map[string]any{"max_redirects": 0}, checkers.Critical, "it redirects more than 0 times"},
		"redirect is the answer":   {"/hops/1", map[string]any{"follow": false, "expect_status": 302}, checkers.OK, "answers 302"},
		"redirect is not followed": {"/hops/1", map[string]any{"follow": false}, checkers.Critical, "answers 302, want 200-299"},
		"redirect to a file":       {"/to?u=file:///etc/passwd", nil, checkers.Critical, "it redirects to something that is no web page"},
		"redirect to nowhere":      {"/to?u=http://[::bad", nil, checkers.Critical, ""},
		"headers stay home":        {"/to?u=" + other.URL + "/echo", map[string]any{"headers": map[string]string{"X-Token": "t0ken-t0ken", "Authorization": "Bearer t0ken-t0ken", "User-Agent": "me"}, "expect_body": "agent=me x= auth= body="}, checkers.OK, "answers 200"},
		"body stays home":          {"/to?u=" + other.URL + "/echo", map[string]any{"method": "POST", "body": "secret"}, checkers.Critical, "it redirects what is sent to another host"},
		"body within the host":     {"/to?u=/echo", map[string]any{"method": "POST", "body": "hello", "expect_body": "body=hello"}, checkers.OK, "answers 200"},
		"endless":                  {"/endless", nil, checkers.OK, "answers 200"},
		"endless without the text": {"/endless", map[string]any{"expect_body": "the end"}, checkers.Critical, `but the first 1 MiB of the answer does not contain "the end"`},
		"bomb":                     {"/bomb", nil, checkers.OK, "answers 200"},
		"never":                    {"/never", map[string]any{"timeout": 0.2}, checkers.Critical, "/never: no answer within 200ms"},
		"half":                     {"/half", map[string]any{"timeout": 2}, checkers.Critical, "/half: answers 200, then its text breaks off: no answer within 2s"},
		"broken":                   {"/broken", nil, checkers.Critical, "answers 200, then its text breaks off"},
		"slow is a warning":        {"/slow", map[string]any{"warning_threshold": 50, "critical_threshold": 60000}, checkers.Warning, ", the threshold is 50 ms"},
		"slow is critical":         {"/slow", map[string]any{"warning_threshold": 10, "critical_threshold": 50}, checkers.Critical, ", the threshold is 50 ms"},
		"fast enough":              {"/slow", map[string]any{"warning_threshold": 60000}, checkers.OK, "answers 200 in"},
		"named":                    {"/ok", map[string]any{"name": "shop"}, checkers.OK, "shop: answers 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := map[string]any{"url": s.URL + tt.path}
			maps.Copy(config, tt.config)
			r := expect(t, endpoint.HTTP{}, config, tt.status, tt.message)
			if n, _ := r.Metrics["body_bytes"].(int); n > 1<<20 {
				t.Errorf("%d bytes read", n)
			}
			if up := r.Metrics["up"]; up != (r.Status != checkers.Critical) && !strings.HasPrefix(name, "slow") {
				t.Errorf("%s, up is %v", r.Status, up)
			}
		})
	}
}

func TestHTTPMetrics(t *testing.T) {
	t.Parallel()
	s := site(t)
	r := expect(t, endpoint.HTTP{}, map[string]any{"url": s.URL + "/hops/2"}, checkers.OK, "answers 200")
	for key, want := range map[string]any{
		"status_code": 200, "redirects": 2, "body_bytes": 7, "body_truncated": false, "http_version": "HTTP/1.1", "up": true, "targets_ok": 1, "targets_total": 1,
	} {
		if got := r.Metrics[key]; got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"latency_ms", "connect_ms", "first_byte_ms"} {
		if ms, _ := r.Metrics[key].(float64); ms <= 0 || ms > 5000 {
			t.Errorf("%s = %v", key, r.Metrics[key])
		}
	}
	if r := expect(t, endpoint.HTTP{}, map[string]any{"url": s.URL + "/endless"}, checkers.OK, ""); r.Metrics["body_truncated"] != true || r.Metrics["body_bytes"] != 1<<20 {
		t.Errorf("%v", r.Metrics)
	}
}

func TestHTTPTargets(t *testing.T) {
	t.Parallel()
	s := site(t)
	r := expect(t, endpoint.HTTP{}, map[string]any{
		"url": s.URL + "/ok", "expect_body": "go", "warning_threshold": 60000,
		"targets": []any{
			s.URL + "/ok?page=2",
			map[string]any{"url": s.URL + "/status/500", "name": "api", "expect_body": ""},
			map[string]any{"url": s.URL + "/hops/0", "expect_body": "arrived"},
			s.URL + "/hops/0",
			map[string]any{"url": s.URL + "/ok?page=3"},
		},
	}, checkers.Critical, "2 of 6 targets not well: api: answers 500, want 200-299")
	targets, _ := r.Metrics["targets"].(map[string]any)
	got := map[string]any{}
	for name, m := range targets {
		got[strings.TrimPrefix(name, s.URL)] = m.(map[string]any)["status"]
	}
	want := map[string]any{
		"/ok": checkers.OK, "/ok?…": checkers.OK, "/ok?… #2": checkers.OK, "api": checkers.Critical, "/hops/0": checkers.OK, "/hops/0 #2": checkers.Critical,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if r.Metrics["targets_ok"] != 4 || r.Metrics["targets_total"] != 6 {
		t.Errorf("%v of %v", r.Metrics["targets_ok"], r.Metrics["targets_total"])
	}
	expect(t, endpoint.HTTP{}, map[string]any{"targets": []any{s.URL + "/ok", s.URL + "/hops/1"}}, checkers.OK, "all 2 targets are well, the slowest is ")
	expect(t, endpoint.HTTP{}, map[string]any{"timeout": 2, "targets": []any{s.URL + "/never", s.URL + "/never?2", s.URL + "/ok"}}, checkers.Critical, "2 of 3 targets not well")
}

func TestHTTPSecrets(t *testing.T) {
	t.Parallel()
	s := site(t)
	const canary = "c4nary-p4ssw0rd"
	host := strings.TrimPrefix(s.URL, "http://")
	for name, config := range map[string]map[string]any{
		"query":        {"url": s.URL + "/ok?token=" + canary},
		"odd query":    {"url": s.URL + "/status/500?" + canary},
		"fragment":     {"url": s.URL + "/ok#" + canary},
		"credentials":  {"url": "http://user:" + canary + "@" + host + "/echo", "expect_body": "auth=Basic"},
		"user":         {"url": "http://" + canary + "@" + host + "/status/500"},
		"header":       {"url": s.URL + "/echo", "headers": map[string]string{"Authorization": "Bearer " + canary}, "expect_body": "nothing"},
		"echoed":       {"url": s.URL + "/echo", "headers": map[string]string{"X-Token": canary}, "forbid_body": canary},
		"path":         {"url": s.URL + "/services/T00000000/" + canary + "XyZ99/x"},
		"name":         {"url": s.URL + "/ok?token=" + canary, "name": "shop " + canary},
		"redirect":     {"url": s.URL + "/to?u=/loop%3Ft=" + canary},
		"nowhere":      {"url": "http://user:" + canary + "@" + nobody(t) + "/x?t=" + canary},
		"not a URL":    {"url": "http://user:" + canary + "@ho st/"},
		"not a scheme": {"url": "ftp://user:" + canary + "@host/"},
		"bad escape":   {"url": "http://host/%zz" + canary},
		"bad header":   {"url": s.URL, "headers": map[string]string{"X-Token": canary + "\n"}},
		"of a target":  {"targets": []any{map[string]any{"url": s.URL + "/ok?t=" + canary}, "http://a b/" + canary}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, endpoint.HTTP{}, nil, settings(t, config))
			raw, err := json.Marshal(r)
			if err != nil || strings.Contains(string(raw), canary) {
				t.Errorf("%v: %s", err, raw)
			}
		})
	}
}

func TestHTTPSettings(t *testing.T) {
	t.Parallel()
	many := make([]any, 51)
	for i := range many {
		many[i] = "http://127.0.0.1"
	}
	for name, tt := range map[string]struct {
		config map[string]any
		want   string
	}{
		"nothing":             {nil, "url or targets: want something to look at"},
		"no scheme":           {map[string]any{"url": "example.com"}, "url: it must begin with http:// or https://"},
		"no host":             {map[string]any{"url": "http:///x"}, "url: want a host name"},
		"no port":             {map[string]any{"url": "http://h:0/x"}, "url: want a port"},
		"unknown":             {map[string]any{"url": "http://h", "expect": 1}, `unknown setting "expect"`},
		"method":              {map[string]any{"url": "http://h", "method": "GET /"}, "method: want"},
		"connect":             {map[string]any{"url": "http://h", "method": "CONNECT"}, "method: want"},
		"header name":         {map[string]any{"url": "http://h", "headers": map[string]string{"a b": ""}}, `headers: "a b"`},
		"status":              {map[string]any{"url": "http://h", "expect_status": "20"}, "expect_status: want statuses such as"},
		"status of a kind":    {map[string]any{"url": "http://h", "expect_status": []any{true}}, "expect_status: want statuses such as"},
		"status backwards":    {map[string]any{"url": "http://h", "expect_status": "299-200"}, "expect_status: want statuses such as"},
		"no status":           {map[string]any{"url": "http://h", "expect_status": []any{}}, "expect_status: want at least one"},
		"pattern":             {map[string]any{"url": "http://h", "expect_body_regex": "("}, "expect_body_regex: want a regular expression"},
		"long pattern":        {map[string]any{"url": "http://h", "forbid_body_regex": strings.Repeat("x", 1001)}, "forbid_body_regex: want a regular expression"},
		"redirects":           {map[string]any{"url": "http://h", "max_redirects": 21}, "max_redirects: want 0 to 20"},
		"certificates":        {map[string]any{"url": "http://h", "ca_pem": "x"}, "ca_pem: want certificates as PEM"},
		"target of a kind":    {map[string]any{"targets": []any{7}}, "targets[0]: want a text or an object"},
		"target's setting":    {map[string]any{"targets": []any{map[string]any{"uri": "http://h"}}}, `targets[0]: unknown setting "uri"`},
		"target without URL":  {map[string]any{"targets": []any{map[string]any{}}}, "targets[0]: url or targets: want something"},
		"targets in a target": {map[string]any{"targets": []any{map[string]any{"targets": []any{}}}}, "targets[0]: targets is of the whole check"},
		"time of a target":    {map[string]any{"targets": []any{map[string]any{"url": "http://h", "timeout": 1}}}, "targets[0]: timeout is of the whole check"},
		"too many":            {map[string]any{"targets": many}, "targets: at most 50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, endpoint.HTTP{}, tt.config, checkers.Unknown, tt.want)
		})
	}
}

// TestHTTPGuard: targets that others gave meet the address guard, also behind redirects and names; the refusal says what would allow it.
func TestHTTPGuard(t *testing.T) {
	t.Parallel()
	s := site(t)
	host := strings.TrimPrefix(s.URL, "http://")
	guard := func(allow ...string) *httpclient.Client {
		c, err := httpclient.New(httpclient.Config{Allow: allow})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	inner := site(t)
	innerHost := strings.TrimPrefix(inner.URL, "http://")
	for name, tt := range map[string]struct {
		url     string
		in      checkers.Input
		status  checkers.Status
		message string
	}{
		"refused":          {s.URL + "/ok", checkers.Input{Guarded: true, Guard: guard()}, checkers.Unknown, "HUB_EGRESS_ALLOW=" + host},
		"refused by name":  {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), checkers.Input{Guarded: true, Guard: guard()}, checkers.Unknown, "HUB_EGRESS_ALLOW=localhost:"},
		"allowed":          {s.URL + "/ok", checkers.Input{Guarded: true, Guard: guard(host)}, checkers.OK, "answers 200"},
		"behind redirects": {s.URL + "/to?u=" + inner.URL + "/ok", checkers.Input{Guarded: true, Guard: guard(host)}, checkers.Unknown, "HUB_EGRESS_ALLOW=" + innerHost},
		"never":            {"http://169.254.169.254/latest/meta-data/", checkers.Input{Guarded: true, Guard: guard("169.254.0.0/16")}, checkers.Unknown, "is never called"},
		"no guard":         {s.URL + "/ok", checkers.Input{Guarded: true}, checkers.Unknown, "this process connects to nothing for others"},
		"the operator's":   {s.URL + "/ok", checkers.Input{Guard: guard()}, checkers.OK, "answers 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.in.Config = []byte(settings(t, map[string]any{"url": tt.url}))
			r := checkertest.With(t, endpoint.HTTP{}, tt.in)
			if r.Status != tt.status || !strings.Contains(r.Message, tt.message) {
				t.Errorf("%s: %q, want %s: %q", r.Status, r.Message, tt.status, tt.message)
			}
		})
	}
}
