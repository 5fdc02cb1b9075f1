package drivers

import (
	"errors"
	"testing"
)

func TestMalformed(t *testing.T) {
	t.Parallel()
	err := Malformed("acme", "no alert")
	if !errors.Is(err, ErrMalformed) || err.Error() != "acme: body does not have the driver's shape: no alert" {
		t.Errorf("Malformed = %v", err)
	}
}

func TestReservedSource(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{" Grafana ": true, "cluster": true, "incidenthub": true, "grafana-eu": false, "": false} {
		if got := ReservedSource(name); got != want {
			t.Errorf("ReservedSource(%q) = %v, want %v", name, got, want)
		}
	}
}
