package registry_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/inbox"
	"github.com/incidenthub/incidenthub/apps/notify/registry"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	r, err := registry.New(registry.Builtin(registry.Deps{HTTP: channeltest.Client(t), Console: io.Discard})...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"console", "discord", "email", "generic", "inbox", "mattermost", "ntfy", "pagerduty", "slack", "teams", "telegram"}, r.Names()); diff != "" {
		t.Error(diff)
	}
	for _, s := range r.Specs() {
		d, err := r.Driver(s.Name)
		if err != nil || d.Spec().Name != s.Name {
			t.Errorf("%s: %v", s.Name, err)
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			channeltest.Settings(t, d)
		})
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	r, err := registry.New(registry.Builtin(registry.Deps{})...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Driver("carrier-pigeon")
	want := `unknown channel driver "carrier-pigeon"; available are ` + strings.Join(r.Names(), ", ")
	if !errors.Is(err, registry.ErrUnknown) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTwice(t *testing.T) {
	t.Parallel()
	if _, err := registry.New(inbox.New(), inbox.New()); err == nil {
		t.Error("a name given twice was taken")
	}
}
