package drivertest

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// Check parses one body and holds the outcome against the rules that every driver keeps for every body.
func Check(t testing.TB, d drivers.Driver, object doc.Object) {
	t.Helper()
	detected := d.Detect(object)
	if m, ok := d.(drivers.Describer); ok {
		if missing := m.Missing(object); (missing == "") != detected {
			t.Errorf("Detect = %v, but Missing = %q", detected, missing)
		}
	}
	p, err := d.Parse(object)
	if err != nil {
		if !errors.Is(err, drivers.ErrMalformed) {
			t.Errorf("Parse = %v, which does not wrap ErrMalformed", err)
		}
		if !strings.HasPrefix(err.Error(), d.Name()+": ") {
			t.Errorf("the error %q does not begin with the driver's name", err)
		}
		if len(p.Observations) > 0 || len(p.Rejected) > 0 || p.Ignored != "" {
			t.Error("Parse gives an error and a result")
		}
		return
	}
	switch found := len(p.Observations) + len(p.Rejected); {
	case found == 0 && p.Ignored == "":
		t.Error("no observation, none rejected, and no reason to ignore the body")
	case found > 0 && p.Ignored != "":
		t.Errorf("ignored as %q with %d items", p.Ignored, found)
	}
	last := -1
	for _, o := range p.Observations {
		if o.Index <= last {
			t.Errorf("index %d after %d", o.Index, last)
		}
		last = o.Index
		observation(t, o)
	}
	last = -1
	for _, r := range p.Rejected {
		if r.Index <= last || r.Reason == "" {
			t.Errorf("rejected %+v after index %d", r, last)
		}
		last = r.Index
	}
	if again, err := d.Parse(object); err != nil || !cmp.Equal(p, again) {
		t.Errorf("a second Parse differs: %v\n%s", err, cmp.Diff(p, again))
	}
}

// observation checks one observation.
func observation(t testing.TB, o event.Observation) {
	t.Helper()
	if o.Fingerprint == "" || len(o.Fingerprint) > 255 || o.Fingerprint != strings.TrimSpace(o.Fingerprint) {
		t.Errorf("fingerprint %q", o.Fingerprint)
	}
	if o.Name != strings.TrimSpace(o.Name) {
		t.Errorf("name %q is not trimmed", o.Name)
	}
	switch o.Status {
	case event.StatusFiring:
		if !o.EndedAt.IsZero() {
			t.Errorf("a firing alert ended at %v", o.EndedAt)
		}
	case event.StatusResolved:
	default:
		t.Errorf("status %q", o.Status)
	}
	if o.Severity != "" && o.Severity.Rank() == 0 {
		t.Errorf("severity %q", o.Severity)
	}
	if len(o.Labels) > 2000 {
		t.Errorf("%d labels", len(o.Labels))
	}
	for _, m := range []map[string]string{o.Labels, o.Annotations} {
		for k, v := range m {
			storable(t, k)
			storable(t, v)
		}
	}
	for _, s := range []string{o.Fingerprint, o.Name, o.Description, o.Source, o.VendorGroupKey} {
		storable(t, s)
	}
}

// storable checks that Postgres takes a text.
func storable(t testing.TB, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		t.Errorf("%q cannot be stored", s)
	}
}
