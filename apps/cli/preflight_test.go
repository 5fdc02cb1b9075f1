package cli_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

// TestPreflightAsksTheHub: the hub that is named looks by its own settings.
func TestPreflightAsksTheHub(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{
		"POST /api/v1/preflight": `{"instance_id":"h","passed":1,"warnings":0,"errors":1,"overall_status":"error","checks":[{"group":"database","name":"n","level":"error","message":"it broke","hint":"mend it"}]}`,
	})
	s := newShell(t)
	s.vars["HUB_TOKEN"] = "the-key"
	for _, args := range [][]string{{"doctor", "--only", "database", "--server", a.URL}, {"preflight", "--only", "database"}} {
		if len(args) == 3 {
			s.vars["HUB_SERVER"] = a.URL
		}
		a.asked = nil
		got := s.run(t, "", args...)
		if got.code != cli.ExitFailed || !strings.Contains(got.out, "it broke") || !strings.Contains(got.out, "mend it") {
			t.Errorf("%v: %d %s%s", args, got.code, got.out, got.err)
		}
		if all := strings.Join(a.asked, "\n"); !strings.Contains(all, `POST /api/v1/preflight {"only":["database"]}`) {
			t.Errorf("%v asked %s", args, all)
		}
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		level preflight.Level
		err   error
		none  bool
		code  int
	}{
		"ok":        {preflight.OK, nil, false, cli.ExitOK},
		"warning":   {preflight.Warn, nil, false, cli.ExitOK},
		"error":     {preflight.Error, nil, false, cli.ExitFailed},
		"not kept":  {preflight.OK, errors.New("the disk is full"), false, cli.ExitOK},
		"no answer": {preflight.OK, errors.New("broken"), true, cli.ExitFailed},
	} {
		dir := t.TempDir()
		for _, args := range [][]string{{"preflight", "--only", "database,security"}, {"preflight", "--json"}} {
			var out, errs bytes.Buffer
			var asked []string
			code := cli.Run(t.Context(), cli.Program{
				In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(k string) string { return map[string]string{"HUB_DATA_DIR": dir}[k] },
				Environ: func() []string { return []string{"HUB_X=1"} },
				Preflight: func(_ context.Context, _ config.Config, environ, only []string, by string) (preflight.Run, error) {
					asked = append(append(slices.Clone(environ), only...), by)
					list := []preflight.Check{{Group: "database", Name: "reachable", Level: tt.level, Message: "it " + hostile, Hint: "mend it"}}
					if tt.none {
						list = nil
					}
					return preflight.Sum(list, "host", by, time.Unix(0, 0)), tt.err
				},
			}, args)
			if code != tt.code || strings.Contains(out.String()+errs.String(), "\x1b") || args[1] != "--json" && strings.Contains(out.String(), "\u202e") {
				t.Errorf("%s %v: exit %d, %q %q", name, args, code, out.String(), errs.String())
			}
			if len(args) == 3 && !slices.Equal(asked, []string{"HUB_X=1", "database", "security", "cli"}) {
				t.Errorf("asked %q", asked)
			}
			if !tt.none && args[1] == "--json" {
				var r preflight.Run
				if decode(t, out.String(), &r); len(r.List) != 1 || r.List[0].Level != tt.level {
					t.Errorf("%s: %+v", name, r)
				}
			} else if !tt.none && (!strings.Contains(out.String(), "DATABASE\n") || strings.Contains(out.String(), "mend it") == (tt.level == preflight.OK)) {
				t.Errorf("%s: %s", name, out.String())
			}
			if tt.err != nil && !strings.Contains(errs.String(), tt.err.Error()) {
				t.Errorf("%s says %q", name, errs.String())
			}
		}
	}
	if r := newShell(t).run(t, "", "preflight", "--only", "nonsense"); r.code != cli.ExitUsage {
		t.Errorf("an unknown group: %+v", r)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{"POST /api/v1/changes": `{"id":"c-1","title":` + text(hostile) + `,"at":"2026-03-01T12:00:00Z"}`})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	out := s.ok(t, "", "change", "api 2.4.1", "--kind", "deploy", "--service", "api", "--label", "env=prod", "--label", "q=a;b=c", "--at", "2026-03-01T13:00:00+01:00")
	if !strings.HasPrefix(out, "c-1, changed at 2026-03-01 12:00:00Z: disk") || strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("%q", out)
	}
	want := `POST /api/v1/changes {"at":"2026-03-01T13:00:00+01:00","author":"","kind":"deploy","labels":{"env":"prod","q":"a;b=c"},"service":"api","title":"api 2.4.1","url":""}`
	if len(a.asked) != 1 || a.asked[0] != want {
		t.Errorf("asked %q, want %q", a.asked, want)
	}
	var raw map[string]any
	if decode(t, s.ok(t, "", "change", "x", "--json"), &raw); raw["id"] != "c-1" {
		t.Errorf("%v", raw)
	}
	if r := s.run(t, "", "change", "x", "--at", "yesterday"); r.code != cli.ExitFailed || !strings.Contains(r.err, "--at") {
		t.Errorf("%+v", r)
	}
}
