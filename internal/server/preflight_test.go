package server

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// setup loads settings over a folder of the test's.
func setup(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	settings := map[string]string{"HUB_DATA_DIR": t.TempDir()}
	maps.Copy(settings, env)
	cfg, err := config.Load(func(k string) string { return settings[k] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// levels are what was found, by name.
func levels(list []preflight.Check) map[string]preflight.Level {
	out := map[string]preflight.Level{}
	for _, c := range list {
		out[c.Name] = c.Level
	}
	return out
}

// TestPreflightOfSettings: each setting that is wrong is found, by its own check, and what is right is not.
func TestPreflightOfSettings(t *testing.T) {
	t.Parallel()
	strong := strings.Repeat("0123456789abcdef", 2)
	for name, tt := range map[string]struct {
		env   map[string]string
		check string
		want  preflight.Level
	}{
		"no admin key":           {nil, "admin_key", preflight.OK},
		"short admin key":        {map[string]string{"HUB_ADMIN_KEY": "0123456789"}, "admin_key", preflight.Error},
		"simple admin key":       {map[string]string{"HUB_ADMIN_KEY": strings.Repeat("ab", 20)}, "admin_key", preflight.Error},
		"middling admin key":     {map[string]string{"HUB_ADMIN_KEY": strong[:24]}, "admin_key", preflight.Warn},
		"strong admin key":       {map[string]string{"HUB_ADMIN_KEY": strong}, "admin_key", preflight.OK},
		"loopback":               {nil, "listen_address", preflight.OK},
		"all interfaces":         {map[string]string{"HUB_LISTEN": ":8080"}, "listen_address", preflight.Warn},
		"a proxy nobody trusts":  {map[string]string{"HUB_LISTEN": ":8080", "HUB_PUBLIC_URL": "https://hub.example.com"}, "listen_address", preflight.Warn},
		"behind a proxy":         {map[string]string{"HUB_LISTEN": ":8080", "HUB_PUBLIC_URL": "https://hub.example.com", "HUB_TRUSTED_PROXIES": "10.0.0.1"}, "listen_address", preflight.OK},
		"no public address":      {nil, "public_url", preflight.Warn},
		"public address":         {map[string]string{"HUB_PUBLIC_URL": "https://hub.example.com"}, "public_url", preflight.OK},
		"without TLS":            {map[string]string{"HUB_PUBLIC_URL": "http://hub.lan"}, "public_url", preflight.Info},
		"no Redis":               {nil, "redis", preflight.Info},
		"Redis is away":          {map[string]string{"HUB_DATABASE_URL": "postgres://u:canary@127.0.0.1:1/x", "HUB_REDIS_URL": "redis://:canary@127.0.0.1:1"}, "redis", preflight.Warn},
		"database is away":       {map[string]string{"HUB_DATABASE_URL": "postgres://u:canary@127.0.0.1:1/x"}, "reachable", preflight.Error},
		"no schema to look at":   {map[string]string{"HUB_DATABASE_URL": "postgres://u:canary@127.0.0.1:1/x"}, "schema", preflight.Error},
		"nothing there yet":      {nil, "reachable", preflight.Info},
		"key by the environment": {map[string]string{"HUB_SECRET_KEY": strings.Repeat("a passphrase ", 4)}, "secret_key", preflight.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := setup(t, tt.env)
			r, err := Preflight(t.Context(), cfg, nil, nil, "test")
			if err != nil {
				t.Fatal(err)
			}
			if got := levels(r.List)[tt.check]; got != tt.want {
				t.Errorf("%s is %q, want %q", tt.check, got, tt.want)
			}
			for _, c := range r.List {
				if strings.Contains(c.Message+c.Hint, "canary") || c.Message == "" || (c.Level == preflight.Error || c.Level == preflight.Warn) && c.Hint == "" {
					t.Errorf("%+v", c)
				}
			}
			if left, err := os.ReadDir(cfg.Storage.DataDir); err != nil || len(left) > 0 {
				t.Errorf("it made %v, %v", left, err)
			}
		})
	}
}

func TestPreflightOfFiles(t *testing.T) {
	t.Parallel()
	for mode, want := range map[os.FileMode]preflight.Level{0o600: preflight.OK, 0o640: preflight.Warn, 0o644: preflight.Error} {
		cfg := setup(t, nil)
		path := filepath.Join(cfg.Storage.DataDir, "secret.key")
		if err := os.WriteFile(path, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(cfg.Storage.DataDir, 0o755); err != nil {
			t.Fatal(err)
		}
		r, err := Preflight(t.Context(), cfg, []string{"HUB_DATA_DRI=/x", "PATH=/bin"}, []string{"security", "environment"}, "test")
		if got := levels(r.List); err != nil || got["secret_key"] != want || got["data_folder"] != preflight.Warn || got["settings"] != preflight.Warn || got["reachable"] != "" {
			t.Errorf("mode %o: %v, %v", mode, got, err)
		}
	}
}

func TestPreflightOfCrontabs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file, line string
		program    os.FileMode
		want       preflight.Level
	}{
		"none":         {"etc/crontab", "* * * * * root backup", 0, preflight.Info},
		"comment":      {"etc/crontab", "# incidenthub check-health", 0, preflight.Info},
		"crontab":      {"etc/cron.d/hub", "*/5 * * * * hub /usr/local/bin/incidenthub check-health", 0o755, preflight.OK},
		"timer":        {"etc/systemd/system/check.service", "ExecStart=/usr/local/bin/incidenthub check-health --json", 0o755, preflight.OK},
		"not there":    {"etc/cron.d/hub", "*/5 * * * * hub /usr/local/bin/incidenthub check-health", 0, preflight.Error},
		"no program":   {"var/spool/cron/crontabs/hub", "*/5 * * * * /usr/local/bin/incidenthub run-check cpu", 0o644, preflight.Error},
		"by its name":  {"etc/cron.d/hub", "*/5 * * * * hub incidenthub check-health", 0, preflight.OK},
		"two are both": {"etc/cron.d/hub", "1 * * * * a incidenthub check-health\n2 * * * * a /x/incidenthub check-health", 0, preflight.Error},
	} {
		i := &inspection{root: t.TempDir()}
		put := func(path, text string, mode os.FileMode) {
			path = filepath.Join(i.root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
		put(tt.file, tt.line, 0o644)
		if tt.program != 0 {
			put("usr/local/bin/incidenthub", "", tt.program)
		}
		i.crontab(t.Context(), nil)
		if got := i.found; len(got) == 0 || got[len(got)-1].Level != tt.want {
			t.Errorf("%s: %+v, want %s", name, got, tt.want)
		}
	}
}

// TestPreflightOfHub: a hub that runs finds what it has, keeps what it found, and a schema of another release is told.
func TestPreflightOfHub(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCoreWith(t, url, nil, coreOptions{})
		p := preflights{c}
		r, err := p.Run(t.Context(), tenant, nil, "ada")
		if err != nil {
			t.Fatal(err)
		}
		got := levels(r.List)
		for name, want := range map[string]preflight.Level{"reachable": preflight.OK, "writable": preflight.OK, "schema": preflight.OK, "active_definition": preflight.OK, "active_channel": preflight.Warn, "active_provider": preflight.Info} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if c.db.Engine() == storage.Postgres && got["clock"] != preflight.OK {
			t.Errorf("clock: %v", got)
		}
		page, err := p.List(t.Context(), tenant, storage.Paging{})
		if err != nil || len(page.Items) != 1 || page.Items[0].TriggeredBy != "ada" {
			t.Fatalf("%+v, %v", page, err)
		}
		if diff := cmp.Diff(r.List, page.Items[0].List); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
		if other, err := p.List(t.Context(), "other", storage.Paging{}); err != nil || len(other.Items) != 0 {
			t.Errorf("another tenant sees %+v, %v", other, err)
		}
		if err := c.db.From(t.Context()).Exec("DELETE FROM goose_db_version WHERE version_id > 20261121000000").Error; err != nil {
			t.Fatal(err)
		}
		i := &inspection{cfg: c.cfg, root: "/", db: c.db}
		i.look(t.Context(), []string{"migrations"}, nil)
		if got := levels(i.found); got["schema"] != preflight.Warn {
			t.Errorf("an old schema: %v", got)
		}
		if r, err := i.keep(t.Context(), "x"); err != nil || len(r.List) != 1 {
			t.Errorf("kept in an old schema: %+v, %v", r, err)
		}
	})
}

// TestPreflightOfProvider: who is asked, and whether it can answer.
func TestPreflightOfProvider(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCoreWith(t, url, nil, coreOptions{})
		p := preflights{c}
		var err error
		for _, step := range []struct {
			sql  string
			want preflight.Level
		}{
			{"", preflight.OK},
			{"UPDATE providers SET config = '{}'", preflight.Warn},
			{"UPDATE providers SET config = '[]'", preflight.Warn},
			{"UPDATE providers SET provider = 'gone', config = '{}'", preflight.Warn},
			{"UPDATE providers SET is_active = false", preflight.Info},
		} {
			if step.sql == "" {
				_, err = c.providers.Create(t.Context(), tenant, analysts.RecordInput{Name: "main", Provider: "openai", Config: json.RawMessage(`{"api_key":"k"}`), IsActive: true})
			} else {
				err = c.db.From(t.Context()).Exec(step.sql).Error
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Run(t.Context(), tenant, []string{"pipeline"}, "ben")
			if got := levels(r.List)["active_provider"]; err != nil || got != step.want {
				t.Errorf("%s: %q, want %q, %v", step.sql, got, step.want, err)
			}
		}
	})
}
