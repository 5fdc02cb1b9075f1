package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// hub opens the services on the database that the settings name, as internal/server does.
func hub(ctx context.Context, cfg config.Config, log *slog.Logger) (*cli.Hub, error) {
	db, err := storage.Open(ctx, storage.Config{URL: cfg.Storage.DatabaseURL.Reveal(), Log: log, Unsafe: true})
	if err != nil {
		return nil, err
	}
	ring, _, err1 := secret.Load(secret.Source{Key: cfg.Secrets.Key, File: cfg.Secrets.KeyFile, Dir: cfg.Storage.DataDir})
	c := apply.Config{DB: db}
	var err2, err3, err4, err5, err6, err7, err8 error
	c.Secrets, err2 = secretstore.New(secretstore.Config{DB: db, Keyring: ring})
	c.Sources, err3 = sources.New(sources.Config{DB: db, Secrets: c.Secrets, Log: log, Drivers: []string{"grafana"}})
	c.Channels, err4 = notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: c.Secrets, Drivers: hooks{}, URLs: nothing{}, Log: log})
	c.Pipelines, err5 = orchestration.NewDefinitionService(orchestration.DefinitionConfig{
		DB: db, Log: log,
		Specs: func(context.Context, string) ([]orchestration.NodeSpec, error) { return orchestration.NodeKinds(), nil },
	})
	c.Providers, err8 = analysts.New(analysts.Config{DB: db, Secrets: c.Secrets, Kinds: offered{}, URLs: nothing{}, Log: log})
	var err9 error
	c.Silences, err9 = silences.New(silences.Config{DB: db, Log: log, Firing: func(context.Context, string, func(*event.Alert) bool) error { return nil }})
	h := &cli.Hub{Secrets: c.Secrets, Close: db.Close, Test: trials{c.Providers}.Test, Usage: usage, Kinds: []channel.Spec{hook{}.Spec()}}
	h.Target, err6 = apply.New(c)
	h.Auth, err7 = auth.New(auth.Config{DB: db, Log: log})
	if err := errors.Join(db.Migrate(ctx), err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

// nothing takes every address.
type nothing struct{}

func (nothing) CheckURL(string) error { return nil }

// shell runs commands against one data folder.
type shell struct {
	dir   string
	vars  map[string]string
	serve func(ctx context.Context, cfg config.Config, getenv func(string) string, stdout io.Writer, log *slog.Logger) error
}

func newShell(t *testing.T) *shell {
	t.Helper()
	return &shell{dir: t.TempDir(), vars: map[string]string{}}
}

type result struct {
	code     int
	out, err string
}

func (s *shell) run(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), cli.Program{
		In: strings.NewReader(in), Out: &out, Err: &errs, Open: hub, Serve: s.serve,
		Getenv: func(name string) string {
			if name == "HUB_DATA_DIR" {
				return s.dir
			}
			return s.vars[name]
		},
	}, args)
	return result{code, out.String(), errs.String()}
}

// ok runs a command that must work, and returns what it prints.
func (s *shell) ok(t *testing.T, in string, args ...string) string {
	t.Helper()
	r := s.run(t, in, args...)
	if r.code != cli.ExitOK {
		t.Fatalf("%v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for name, tt := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"help":            {[]string{"--help"}, cli.ExitOK, []string{"serve", "migrate", "parse", "lint", "apply", "export", "key", "incident", "run", "ledger", "version"}},
		"command help":    {[]string{"apply", "--help"}, cli.ExitOK, []string{"--dry-run", "--prune", "${NAME}", "incidenthub apply -f hub.yaml --dry-run"}},
		"nested help":     {[]string{"key", "create", "--help"}, cli.ExitOK, []string{"--scope", "--expires", "oncall-bot"}},
		"no command":      {nil, cli.ExitUsage, []string{"expected one of", "--help"}},
		"unknown command": {[]string{"srve"}, cli.ExitUsage, []string{`did you mean "serve"`}},
		"unknown flag":    {[]string{"apply", "--dryrun"}, cli.ExitUsage, []string{"--dry-run", "Try: incidenthub apply --help"}},
		"missing flag":    {[]string{"apply"}, cli.ExitUsage, []string{"--file"}},
		"wrong word":      {[]string{"incident", "list", "--status", "new"}, cli.ExitUsage, []string{"open", "acknowledged"}},
		"wrong scope":     {[]string{"key", "create", "x", "--scope", "root"}, cli.ExitUsage, []string{"ingest"}},
		"bad setting":     {[]string{"serve", "--listen", "nowhere"}, cli.ExitFailed, []string{"HUB_LISTEN"}},
		"version":         {[]string{"version"}, cli.ExitOK, []string{"incidenthub "}},
	} {
		r := s.run(t, "", tt.args...)
		if r.code != tt.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, r.code, tt.code, r.out, r.err)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.out+r.err, want) {
				t.Errorf("%s: no %q in\n%s%s", name, want, r.out, r.err)
			}
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.vars["HUB_LISTEN"] = "127.0.0.1:1"
	s.serve = func(ctx context.Context, cfg config.Config, getenv func(string) string, stdout io.Writer, log *slog.Logger) error {
		log.InfoContext(ctx, "ready", "listen", cfg.Server.Listen)
		_, err := io.WriteString(stdout, cfg.Server.Listen+" "+getenv("HUB_LISTEN"))
		return err
	}
	r := s.run(t, "", "serve", "--listen", "127.0.0.1:9999", "--log-format", "json")
	if r.code != 0 || r.out != "127.0.0.1:9999 127.0.0.1:1" || !strings.Contains(r.err, `"msg":"ready"`) {
		t.Errorf("%+v", r)
	}
	s.serve = func(context.Context, config.Config, func(string) string, io.Writer, *slog.Logger) error {
		return errors.New("the port is taken")
	}
	if r := s.run(t, "", "serve"); r.code != cli.ExitFailed || !strings.Contains(r.err, "the port is taken") {
		t.Errorf("%+v", r)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	url := filepath.Join(t.TempDir(), "elsewhere.db")
	if out := s.ok(t, "", "migrate", "--database-url", "sqlite:"+url); !strings.HasPrefix(out, "Applied ") {
		t.Error(out)
	}
	if out := s.ok(t, "", "migrate", "--database-url", "sqlite:"+url); out != "The schema of the sqlite database is up to date.\n" {
		t.Errorf("again: %s", out)
	}
	var first, second map[string]any
	decode(t, s.ok(t, "", "migrate", "--json"), &first)
	decode(t, s.ok(t, "", "migrate", "--json"), &second)
	if n, _ := first["applied"].(float64); n < 1 {
		t.Errorf("first: %v", first)
	}
	if diff := cmp.Diff(map[string]any{"engine": "sqlite", "up_to_date": true, "applied": 0.0}, second); diff != "" {
		t.Error(diff)
	}
	if r := s.run(t, "", "migrate", "--database-url", "postgres://hub:canary@127.0.0.1:1/hub"); r.code != cli.ExitFailed || strings.Contains(r.err, "canary") {
		t.Errorf("no database: %+v", r)
	}
}

// TestFolderOfAnyName: a path is no URL.
func TestFolderOfAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a#b", "a?b", "a%41b", "100 %", "a b", "a&b=c", "a;b'c", `a"b`, "ä", ":memory:", "a?mode=memory", "a+b"} {
		s := newShell(t)
		dir := filepath.Join(s.dir, name)
		s.ok(t, "", "migrate", "--data-dir", dir)
		s.ok(t, "", "key", "create", "k", "--data-dir", dir)
		if out := s.ok(t, "", "key", "list", "--data-dir", dir); !strings.Contains(out, "k ") {
			t.Errorf("%s: %s", name, out)
		}
		if info, err := os.Stat(filepath.Join(dir, "incidenthub.db")); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingSecretKey(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.vars["HUB_SECRET_KEY_FILE"] = filepath.Join(s.dir, "nowhere")
	for _, args := range [][]string{{"serve"}, {"key", "list"}, {"migrate"}} {
		r := s.run(t, "", args...)
		if r.code != cli.ExitFailed || strings.Count(r.err, "nowhere") != 1 || !strings.Contains(r.err, "HUB_SECRET_KEY_FILE") || !strings.Contains(r.err, "unset the variable") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	delete(s.vars, "HUB_SECRET_KEY_FILE")
	const src = "  - {name: NAME, signature: generic, signature_secret: \"0123456789\"}\n"
	s.ok(t, "sources:\n"+strings.ReplaceAll(src, "NAME", "a")+strings.ReplaceAll(src, "NAME", "b"), "apply", "-f", "-")
	s.vars["HUB_SECRET_KEY"] = strings.Repeat("another key ", 4)
	r := s.run(t, "", "key", "reencrypt")
	if r.code != cli.ExitFailed || strings.Count(r.err, "is missing") != 1 || strings.Count(r.err, "\n") != 3 ||
		!strings.Contains(r.err, "secret.key back into the data folder") || strings.Contains(r.err, "another key") {
		t.Errorf("%+v", r)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	var made struct {
		Key, ID string
		Scopes  []string
	}
	decode(t, s.ok(t, "", "key", "create", "bot", "--scope", "respond,ingest", "--endpoint", "/api", "--expires", "1h", "--json"), &made)
	if len(made.Key) < 43 || len(made.Scopes) != 2 {
		t.Errorf("made %+v", made)
	}
	if out := s.ok(t, "", "key", "create", "second"); !strings.Contains(out, "ihk_") {
		t.Error(out)
	}
	out := s.ok(t, "", "key", "list")
	if !strings.Contains(out, "respond,ingest") || strings.Contains(out, made.Key) {
		t.Error(out)
	}
	if r := s.run(t, "", "key", "create", "bot"); r.code != cli.ExitFailed || !strings.Contains(r.err, "exists") {
		t.Errorf("%+v", r)
	}
	s.ok(t, "", "key", "revoke", made.ID)
	if out := s.ok(t, "", "key", "list"); !strings.Contains(out, "revoked") {
		t.Error(out)
	}
	if r := s.run(t, "", "key", "revoke", "nobody"); r.code != cli.ExitFailed || !strings.Contains(r.err, "not found") {
		t.Errorf("%+v", r)
	}
	first, second := s.ok(t, "", "key", "reset-admin"), s.ok(t, "", "key", "reset-admin")
	if !strings.Contains(first, "ihk_") || first == second {
		t.Errorf("%q, %q", first, second)
	}
}

// The key for stored secrets changes without losing one.
func TestReencrypt(t *testing.T) {
	t.Parallel()
	const older, newer = "the old passphrase of at least thirty-two characters", "the new passphrase of at least thirty-two characters"
	s := newShell(t)
	s.vars["HUB_SECRET_KEY"], s.vars["PD"] = older, "a signing secret"
	file := "sources:\n  - {name: pd, signature: pagerduty, signature_secret: \"${PD}\"}\n"
	s.ok(t, file, "apply", "-f", "-")
	s.vars["HUB_SECRET_KEY"] = newer
	if r := s.run(t, "", "key", "reencrypt"); r.code != cli.ExitFailed || !strings.Contains(r.err, "HUB_SECRET_KEY") {
		t.Errorf("without the old key: %+v", r)
	}
	s.vars["HUB_SECRET_KEY"] = newer + "," + older
	if out := s.ok(t, "", "key", "reencrypt"); !strings.HasPrefix(out, "1 secrets") {
		t.Error(out)
	}
	s.vars["HUB_SECRET_KEY"] = newer
	if out := s.ok(t, file, "apply", "-f", "-"); !strings.Contains(out, "unchanged") {
		t.Errorf("after the change: %s", out)
	}
}

func TestApplyExport(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	const file = "sources:\n  - name: prod\n    driver: grafana\n    group_by: [cluster]\n"
	dry := s.ok(t, file, "apply", "-f", "-", "--dry-run")
	if !strings.Contains(dry, "create  source  prod") || !strings.Contains(dry, "1 of 1 would change") || strings.Contains(dry, "ihi_") {
		t.Error(dry)
	}
	if out := s.ok(t, file, "apply", "-f", "-"); !strings.Contains(out, "ihi_") || !strings.Contains(out, "1 of 1 changed") {
		t.Error(out)
	}
	var plan apply.Plan
	decode(t, s.ok(t, file, "apply", "-f", "-", "--json"), &plan)
	if diff := cmp.Diff(apply.Plan{Steps: []apply.Step{{Action: apply.Unchanged, Kind: apply.KindSource, Name: "prod"}}}, plan); diff != "" {
		t.Error(diff)
	}
	path := filepath.Join(t.TempDir(), "hub.yaml")
	s.ok(t, "", "export", "-o", path)
	if out := s.ok(t, "", "apply", "-f", path, "--prune"); !strings.Contains(out, "0 of 1 changed") {
		t.Error(out)
	}
	if out := s.ok(t, "", "export"); !strings.Contains(out, "driver: grafana") {
		t.Error(out)
	}

	wrong := "sources:\n  - name: prod\n    driver: nagios\n"
	if r := s.run(t, wrong, "apply", "-f", "-"); r.code != cli.ExitFailed || !strings.Contains(r.err, "-: line 3: ") || !strings.Contains(r.err, "Nothing was applied") {
		t.Errorf("%+v", r)
	}
	var problems struct{ Problems []apply.Problem }
	r := s.run(t, "nothing: []\n", "apply", "-f", "-", "--json")
	decode(t, r.out, &problems)
	if r.code != cli.ExitFailed || len(problems.Problems) != 1 || problems.Problems[0].Line != 1 {
		t.Errorf("%+v", r)
	}
	if r := s.run(t, "", "apply", "-f", "/no/such/file"); r.code != cli.ExitFailed || !strings.Contains(r.err, "/no/such/file") {
		t.Errorf("%+v", r)
	}
}
