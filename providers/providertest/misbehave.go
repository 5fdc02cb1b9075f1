package providertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

// canary stands in what a misbehaving server answers and must come up nowhere.
const canary = "canary-7f3a"

// trouble is one way to misbehave, and what must be made of it.
type trouble struct {
	scripts  []Script
	settings map[string]any
	class    string // "": there is an answer
	requests int    // 0: not looked at
}

func (s *Server) troubles() map[string]trouble {
	ok := s.Says(Analysis)
	quick := map[string]any{"timeout_s": 2} // so long that a request arrives on a busy machine too
	return map[string]trouble{
		"hangs":                         {[]Script{{Hang: true}}, quick, providers.ErrTimeout, 1},
		"stops in the middle":           {[]Script{{Body: ok.Body, Stall: true}}, quick, providers.ErrTimeout, 1},
		"answers too late":              {[]Script{{Body: ok.Body, Delay: time.Minute}}, quick, providers.ErrTimeout, 1},
		"drops connections":             {[]Script{{Reset: true}}, nil, providers.ErrNetwork, 2},
		"drops one connection":          {[]Script{{Reset: true}, ok}, nil, "", 2},
		"cuts connections in the body":  {[]Script{{Body: ok.Body, Cut: true}}, nil, providers.ErrNetwork, 2},
		"cuts one in the body":          {[]Script{{Body: ok.Body, Cut: true}, ok}, nil, "", 2},
		"fails once":                    {[]Script{{Status: 500, Body: canary}, ok}, nil, "", 2},
		"fails and hangs":               {[]Script{{Status: 500, Body: canary}, {Hang: true}}, quick, "", 0},
		"is garbage":                    {[]Script{{Body: "\x00\xff\x1b[31m" + canary}}, nil, providers.ErrMalformed, 1},
		"is a page":                     {[]Script{{Body: "<html>" + canary, Header: map[string]string{"Content-Type": "text/html"}}}, nil, providers.ErrMalformed, 1},
		"is nested without an end":      {[]Script{{Body: strings.Repeat(`[{"a":`, 100_000)}}, nil, providers.ErrMalformed, 1},
		"is another JSON":               {[]Script{{Body: `{"` + canary + `": 1}`}}, nil, providers.ErrMalformed, 1},
		"is null":                       {[]Script{{Body: `null`}}, nil, providers.ErrMalformed, 1},
		"is half of an answer":          {[]Script{{Body: ok.Body[:len(ok.Body)/2]}}, nil, providers.ErrMalformed, 1},
		"is two answers":                {[]Script{{Body: ok.Body + ok.Body}}, nil, providers.ErrMalformed, 1},
		"is empty":                      {[]Script{{}}, nil, providers.ErrMalformed, 1},
		"has no content":                {[]Script{{Status: 204}}, nil, providers.ErrMalformed, 1},
		"has a blank text":              {[]Script{s.Says(" \n\t")}, nil, providers.ErrMalformed, 1},
		"is 5 MB of nonsense":           {[]Script{{Huge: 5 << 20}}, nil, providers.ErrMalformed, 1},
		"is 5 MB of an error":           {[]Script{{Status: 400, Huge: 5 << 20}}, nil, providers.ErrBadRequest, 1},
		"is a right one of 2 MB":        {[]Script{s.Says(strings.Repeat("a", 2<<20))}, nil, providers.ErrMalformed, 1},
		"sends elsewhere":               {[]Script{{Redirect: "http://127.0.0.1:9/" + canary}}, nil, providers.ErrNetwork, 1},
		"sends elsewhere, as GET":       {[]Script{{Status: 302, Redirect: "http://127.0.0.1:9/" + canary}}, nil, providers.ErrNetwork, 1},
		"sends to the metadata":         {[]Script{{Redirect: "http://169.254.169.254/latest/" + canary}}, nil, providers.ErrNetwork, 1},
		"sends in circles":              {[]Script{{Redirect: "?a=" + canary}}, nil, providers.ErrNetwork, 0},
		"sends nowhere":                 {[]Script{{Status: 308}}, nil, providers.ErrNetwork, 1},
		"wants a wait that is too long": {[]Script{{Status: 429, Header: map[string]string{"Retry-After": "60"}}}, map[string]any{"timeout_s": 5}, providers.ErrRateLimit, 1},
	}
}

// Misbehave has a provider call a server that does what servers of the real world do, and worse: it must end in time with the right class, and
// nothing that the server said may stand in an error, nor the key or the question.
func Misbehave(t *testing.T, kind string, newProvider Making) {
	t.Helper()
	for name := range New(t, kind).troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(t, kind).Lenient() // circles have a query
			tr := s.troubles()[name]
			s.Answer(tr.scripts...)
			p, err := newProvider(s.Config(tr.settings), s.Deps())
			if err != nil {
				t.Fatal(err)
			}
			watch := clock.Start()
			answer, err := p.Analyze(t.Context(), &providers.Request{Prompt: Prompt()})
			if took := watch.Elapsed(); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			n := len(s.Requests())
			if name == "fails and hangs" { // whether there was time for a second try is not said
				tr.class, tr.requests = providers.ErrTimeout, 2
				if n == 1 {
					tr.class, tr.requests = providers.ErrServer, 1
				}
			}
			if got := classOf(err); got != tr.class {
				t.Errorf("class %q (%v), want %q", got, err, tr.class)
			}
			if tr.requests != 0 && n != tr.requests {
				t.Errorf("%d requests, want %d", n, tr.requests)
			}
			if tr.class == "" && (answer == nil || answer.Text != Analysis) {
				t.Errorf("the answer is %+v", answer)
			}
			inert(t, err)
		})
	}
}

// Refuse checks what a provider does not even call for: without a question, a key or an allowed address; and that callers who left are let go.
func Refuse(t *testing.T, kind string, keyless bool, newProvider Making) {
	t.Helper()
	type refusal struct {
		settings map[string]any
		deps     func(*llm.Deps)
		prompt   *providers.Prompt
		class    string
		says     []string
	}
	all := map[string]refusal{
		"no question": {class: providers.ErrInternal},
		"address that is not allowed": {
			prompt: Prompt(), class: providers.ErrNetwork, says: []string{"HUB_EGRESS_ALLOW", "127.0.0.1:"},
			deps: func(d *llm.Deps) {
				strict, err := llm.NewHTTP(nil, clock.System())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(strict.Close)
				d.HTTP = strict
			},
		},
	}
	if !keyless {
		all["no key"] = refusal{settings: map[string]any{"api_key": nil}, prompt: Prompt(), class: providers.ErrAuth, says: []string{"api_key"}}
	}
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(t, kind)
			d := s.Deps()
			if r.deps != nil {
				r.deps(&d)
			}
			p, err := newProvider(s.Config(r.settings), d)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Analyze(t.Context(), &providers.Request{Prompt: r.prompt})
			if got := classOf(err); got != r.class {
				t.Errorf("class %q (%v), want %q", got, err, r.class)
			}
			for _, want := range r.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if n := len(s.Requests()); n != 0 {
				t.Errorf("%d requests were made", n)
			}
			inert(t, err)
		})
	}
	t.Run("the caller leaves", func(t *testing.T) {
		t.Parallel()
		s := New(t, kind)
		s.Answer(Script{Hang: true})
		p, err := newProvider(s.Config(nil), s.Deps())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		watch := clock.Start()
		_, err = p.Analyze(ctx, &providers.Request{Prompt: Prompt()})
		if got := classOf(err); got != providers.ErrTimeout {
			t.Errorf("class %q (%v)", got, err)
		}
		if took := watch.Elapsed(); took > 3*time.Second || len(s.Requests()) != 1 {
			t.Errorf("%v and %d requests", took, len(s.Requests()))
		}
	})
}

func classOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e.Class
	}
	return "none"
}

// inert wants errors without anything of the key, the question or the answer.
func inert(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{Key, canary, "nearly full", "analyse incidents", "xxxxxxxx", "spool"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error has %q: %v", secret, err)
		}
	}
}
