package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// listen starts a server and returns its address and its entry of the allow-list.
func listen(t *testing.T, h http.HandlerFunc) (address, allow string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, strings.TrimPrefix(s.URL, "http://")
}

func failed(t *testing.T, err error) *providers.Error {
	t.Helper()
	e, ok := errors.AsType[*providers.Error](err)
	if !ok {
		t.Fatalf("no error with a class: %v", err)
	}
	return e
}

func TestPost(t *testing.T) {
	t.Parallel()
	address, allow := listen(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-Own"))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	})
	own := http.Header{"X-Own": {"1"}}
	r, err := llm.Post(t.Context(), deps(t, allow), address+"/a", own, map[string]any{"n": 1})
	if err != nil || r.Status != http.StatusCreated || string(r.Body) != `{"n":1}` || r.Cut || r.Header.Get("X-Got") != "POST /a application/json 1" {
		t.Errorf("%+v, %v", r, err)
	}
	if len(own) != 1 {
		t.Errorf("the caller's headers were changed: %v", own)
	}
	if _, err := llm.Post(t.Context(), deps(t, allow), address, nil, func() {}); failed(t, err).Class != providers.ErrInternal {
		t.Error(err)
	}
	if _, err := llm.Post(t.Context(), llm.Deps{}, address, nil, 1); failed(t, err).Class != providers.ErrInternal {
		t.Error(err)
	}
	if _, err := llm.Post(t.Context(), deps(t), "http://a b/?key=s3cret", nil, 1); failed(t, err).Class != providers.ErrBadRequest || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

// TestRedirects: within the host they are followed with the same method, body and key; to others never.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var told []string
	other, allowOther := listen(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was called") })
	address, allow := listen(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told = append(told, r.Method+r.URL.Path+string(body)+r.Header.Get("X-Key"))
		switch r.URL.Path {
		case "/308":
			http.Redirect(w, r, "/307", http.StatusPermanentRedirect)
		case "/307":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		case "/away":
			http.Redirect(w, r, other+"/x?key=s3cret", http.StatusTemporaryRedirect)
		case "/tls":
			http.Redirect(w, r, "https://"+r.Host+"/x", http.StatusPermanentRedirect)
		case "/user":
			http.Redirect(w, r, "http://u:s3cret@"+r.Host+"/x", http.StatusPermanentRedirect)
		case "/get":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	})
	d := deps(t, allow, allowOther)
	key := http.Header{"X-Key": {"k"}}
	if r, err := llm.Post(t.Context(), d, address+"/308", key, 5); err != nil || string(r.Body) != "{}" {
		t.Errorf("%v", err)
	}
	if got := strings.Join(told, " "); got != "POST/3085k POST/3075k POST/here5k" {
		t.Errorf("calls: %s", got)
	}
	for path, calls := range map[string]int{"/away": 1, "/tls": 1, "/user": 1, "/get": 1, "/round": 3} {
		told = nil
		_, err := llm.Post(t.Context(), d, address+path, key, 5)
		if e := failed(t, err); e.Class != providers.ErrNetwork || !strings.Contains(e.Error(), "base_url") || strings.Contains(e.Error(), "s3cret") || len(told) != calls {
			t.Errorf("%s: %v after %d calls", path, err, len(told))
		}
	}
}

func TestCaps(t *testing.T) {
	t.Parallel()
	size, status := 0, 0
	address, allow := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	})
	// Whatever the client reads, no more than MaxAnswer is taken.
	wide, err := httpclient.New(httpclient.Config{Allow: []string{allow}, MaxResponse: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wide.Close)
	for _, d := range []llm.Deps{deps(t, allow), {HTTP: wide}} {
		size, status = llm.MaxAnswer, 200
		if r, err := llm.Post(t.Context(), d, address, nil, 1); err != nil || r.Cut || len(r.Body) != llm.MaxAnswer {
			t.Errorf("the longest: %v", err)
		}
		size = llm.MaxAnswer + 1
		if r, err := llm.Post(t.Context(), d, address, nil, 1); failed(t, err).Class != providers.ErrMalformed || !r.Cut || len(r.Body) != llm.MaxAnswer {
			t.Errorf("longer: %v, %d", err, len(r.Body))
		}
		size, status = 5<<20, 503
		if r, err := llm.Post(t.Context(), d, address, nil, 1); failed(t, err).Class != providers.ErrOverloaded || r.Status != 503 || len(r.Body) > llm.MaxAnswer {
			t.Errorf("a long error: %v", err)
		}
	}
}

// TestBlocked: the refusal names the line that would allow the address, and no second try is made.
func TestBlocked(t *testing.T) {
	t.Parallel()
	address, allow := listen(t, func(http.ResponseWriter, *http.Request) { t.Error("it was called") })
	calls := 0
	d := deps(t)
	_, err := llm.Retry(t.Context(), d, func(ctx context.Context) (*providers.Answer, error) {
		calls++
		_, err := llm.Post(ctx, d, address, http.Header{"X-Key": {"s3cret"}}, "s3cret")
		return nil, err
	})
	if e := failed(t, err); e.Class != providers.ErrNetwork || !errors.Is(err, httpclient.ErrBlocked) || !strings.Contains(e.Error(), "HUB_EGRESS_ALLOW="+allow) ||
		strings.Contains(e.Error(), "s3cret") || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	address, allow := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, `{"a":`)
			_ = http.NewResponseController(w).Flush()
		}
		<-gone
	})
	t.Cleanup(func() { close(gone) })
	d := deps(t, allow)
	for _, path := range []string{"/", "/body"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := llm.Post(ctx, d, address+path, nil, 1)
		cancel()
		if failed(t, err).Class != providers.ErrTimeout {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := llm.Post(ctx, d, address, nil, 1); failed(t, err).Class != providers.ErrNetwork || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	if _, err := llm.Post(t.Context(), deps(t, "127.0.0.1"), "http://127.0.0.1:1/?key=s3cret", nil, 1); failed(t, err).Class != providers.ErrNetwork || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestDoer(t *testing.T) {
	t.Parallel()
	status := 200
	address, allow := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		w.WriteHeader(status)
		_, _ = io.Copy(w, r.Body)
	})
	call := func(body io.Reader) (*http.Response, []byte, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/p", body)
		if err != nil {
			t.Fatal(err)
		}
		return llm.Doer(deps(t, allow)).DoRead(req)
	}
	resp, raw, err := call(strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got map[string]int
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got["a"] != 1 || string(raw) != `{"a":1}` || resp.Header.Get("X-Path") != "/p" || resp.StatusCode != 200 {
		t.Errorf("%v %s %v", got, raw, err)
	}
	status = 429
	if _, _, err := call(nil); failed(t, err).Class != providers.ErrRateLimit { //nolint:bodyclose // there is none
		t.Error(err)
	}
	if _, _, err := call(broken{}); failed(t, err).Class != providers.ErrInternal { //nolint:bodyclose // there is none
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }
