package registry_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/checkers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func builtin(t *testing.T, o registry.Options) *checkers.Set {
	t.Helper()
	s, err := checkers.NewSet(registry.Builtin(o)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBuiltin(t *testing.T) {
	t.Parallel()
	s := builtin(t, registry.Options{})
	want := []string{ // never to be changed: alerts and pipelines know them by these names
		"cpu", "memory", "disk", "network", "process", "disk_common", "disk_linux", "disk_macos", "cpu_temp", "disk_temp", "disk_inodes", "io_strain",
		"listening_ports", "raid", "reboot_debian", "http", "tcp", "tls_expiry", "dns",
	}
	if diff := cmp.Diff(want, s.Names()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, spec := range s.Specs() {
		if !strings.HasSuffix(spec.Doc, ".") || spec.Config == nil {
			t.Errorf("%s: doc %q, config %v", spec.Name, spec.Doc, spec.Config)
		}
		if (spec.Warning == nil) != (spec.Critical == nil) || spec.Warning != nil && (*spec.Warning < *spec.Critical) == spec.Inverted {
			t.Errorf("%s: thresholds %v and %v, inverted %t", spec.Name, spec.Warning, spec.Critical, spec.Inverted)
		}
		var schema struct {
			Properties map[string]struct{ Description string }
		}
		if err := json.Unmarshal(spec.Schema, &schema); err != nil {
			t.Fatal(err)
		}
		if _, given := schema.Properties["warning_threshold"]; given != (spec.Unit != "") {
			t.Errorf("%s has unit %q, thresholds: %t", spec.Name, spec.Unit, given)
		}
		for name, p := range schema.Properties {
			if p.Description == "" {
				t.Errorf("%s: %s is not described", spec.Name, name)
			}
		}
		if err := s.Validate(spec.Name, []byte(`{"no_such_setting": 1}`)); err == nil || !strings.Contains(err.Error(), "no_such_setting") {
			t.Errorf("%s takes any setting: %v", spec.Name, err)
		}
		if err := s.Validate(spec.Name, nil); (err != nil) != spec.Endpoint {
			t.Errorf("%s with its defaults: %v", spec.Name, err)
		}
	}
}

// TestOptions: what the process's settings say arrives in the checks.
func TestOptions(t *testing.T) {
	t.Parallel()
	s := builtin(t, registry.Options{ListeningPorts: []string{"22"}, Home: "/srv/hub"})
	large := &host.Walk{Root: "/srv/hub", Large: []host.FileInfo{{Path: "/srv/hub/large", Size: 200 << 20}}}
	h := &checkertest.Host{
		Samples: []*host.Sample{{OS: runtime.GOOS, Sockets: []host.Socket{{State: "LISTEN", Local: "127.0.0.1", Port: 23}}}},
		Walks:   map[string]*host.Walk{"/srv/hub": large},
	}
	for name, want := range map[string]string{
		"listening_ports": "listening, but not on the list: 23", "disk_common": "most of it in /srv/hub/large",
	} {
		c, err := s.Checker(name)
		if err != nil {
			t.Fatal(err)
		}
		if r := checkertest.Run(t, c, h, ""); !strings.Contains(r.Message, want) {
			t.Errorf("%s: %s, want %q", name, r.Message, want)
		}
	}
}
