// Package providertest has a fake server for each API of a language model. It answers by a script and checks every request against the
// rules of its API.
package providertest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// Key is what a server wants as its key.
const Key = "sk-fake-0123456789abcdef"

// Request is what a server got, and what is wrong with it.
type Request struct {
	Method string
	URL    url.URL
	Header http.Header
	Body   []byte
	Wrong  []string // rules of the API that it breaks; none: it is right
}

// Server is a real HTTP server that speaks one API.
type Server struct {
	URL   string // what base_url is set to
	Kind  string
	Allow string // the allow-list entry that lets the guarded client call it

	api     api
	tb      testing.TB
	mu      sync.Mutex
	scripts []Script
	got     []Request
	lenient bool
	gone    chan struct{}
}

// New starts a server that ends with the test. Until it is told otherwise it answers with an analysis, and a request that breaks a rule
// of the API fails the test.
func New(tb testing.TB, kind string) *Server {
	tb.Helper()
	found, ok := apis()[kind]
	if !ok {
		tb.Fatalf("providertest: there is no fake of %q", kind)
	}
	s := &Server{Kind: kind, api: found, tb: tb, gone: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(func() {
		close(s.gone)
		server.CloseClientConnections()
		server.Close()
	})
	s.URL, s.Allow = server.URL+found.base, strings.TrimPrefix(server.URL, "http://")
	s.OK(Analysis)
	return s
}

// Answer sets what is answered, one script for each request; the last one repeats.
func (s *Server) Answer(scripts ...Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = slices.Clone(scripts)
}

// OK answers all requests with the API's own form of a success around text.
func (s *Server) OK(text string, usage ...Usage) { s.Answer(s.Says(text, usage...)) }

// Says is the script of a success around text, for Answer.
func (s *Server) Says(text string, usage ...Usage) Script {
	u := Usage{Prompt: 900, Completion: 120}
	if len(usage) > 0 {
		u = usage[0]
	}
	return Script{Status: http.StatusOK, Body: string(s.api.ok(text, u))}
}

// Lenient lets requests break rules: they are answered by the script, and Request.Wrong says what is wrong.
func (s *Server) Lenient() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lenient = true
	return s
}

// Requests are those that have arrived so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// Config is settings of a provider that calls this server. Extras are added, or win; nil takes a setting out.
func (s *Server) Config(extras map[string]any) json.RawMessage {
	settings := map[string]any{s.api.address: s.URL, "api_key": Key}
	maps.Copy(settings, extras)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	raw, err := json.Marshal(settings)
	if err != nil {
		s.tb.Fatalf("providertest: settings: %v", err)
	}
	return raw
}

// Deps lets a provider call this server, and waits for nothing before a second try.
func (s *Server) Deps() llm.Deps {
	client, err := llm.NewHTTP([]string{s.Allow}, clock.System())
	if err != nil {
		s.tb.Fatalf("providertest: %v", err)
	}
	s.tb.Cleanup(client.Close)
	return llm.Deps{HTTP: client, Clock: clock.System(), Sleep: noWait}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a body that breaks off is remembered as far as it came
	got := Request{Method: r.Method, URL: *r.URL, Header: r.Header.Clone(), Body: bytes.Clone(body)}
	got.Wrong = s.api.wrong(got, s.api)
	s.mu.Lock()
	script := s.scripts[0]
	if len(s.scripts) > 1 {
		s.scripts = s.scripts[1:]
	}
	s.got = append(s.got, got)
	strict := !s.lenient
	s.mu.Unlock()
	if strict && len(got.Wrong) > 0 {
		s.tb.Errorf("%s: a request breaks the rules of the API: %s", s.Kind, strings.Join(got.Wrong, "; "))
		script = Script{Status: http.StatusBadRequest, Body: `{"error":{"message":"this request breaks the rules","type":"invalid_request_error"}}`}
	}
	script.play(w, r, s.gone)
}
