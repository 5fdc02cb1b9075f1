package event

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSeverity(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]Severity{
		"CRITICAL": SeverityCritical, " page ": SeverityCritical, "error": SeverityCritical, "High": SeverityCritical, "P2": SeverityCritical,
		"warning": SeverityWarning, "Warn": SeverityWarning, "Average": SeverityWarning, "medium": SeverityWarning, "p3": SeverityWarning,
		"info": SeverityInfo, "Low": SeverityInfo, "debug": SeverityInfo, "P4": SeverityInfo, "p5": SeverityInfo,
		"notify": SeverityWarning, "none": SeverityWarning, "": "", " ": "",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			if got := ParseSeverity(word); got != want {
				t.Errorf("ParseSeverity = %q, want %q", got, want)
			}
		})
	}
	if s, known := LookupSeverity("notify"); known || s != "" {
		t.Errorf("LookupSeverity knows notify as %q", s)
	}
}

func TestFirstSight(t *testing.T) {
	t.Parallel()
	received := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	hour := received.Add(-time.Hour)
	for name, tt := range map[string]struct{ in, want Observation }{
		"nothing carried": {
			Observation{Status: StatusFiring},
			Observation{Status: StatusFiring, Name: FallbackName, Severity: SeverityWarning, StartedAt: received},
		},
		"all carried": {
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour, EndedAt: hour},
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour, EndedAt: hour},
		},
		"resolved without an end": {
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour},
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour, EndedAt: received},
		},
		"resolved with a far end": {
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour, EndedAt: received.AddDate(2, 0, 0)},
			Observation{Status: StatusResolved, Name: "a", Severity: SeverityInfo, StartedAt: hour, EndedAt: received},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.in.FirstSight(received)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := Fingerprint("a", map[string]string{"x": "1", "y": "2"})
	if len(base) != 16 {
		t.Errorf("Fingerprint has %d characters, want 16", len(base))
	}
	for name, other := range map[string]string{
		"name":           Fingerprint("b", map[string]string{"x": "1", "y": "2"}),
		"value":          Fingerprint("a", map[string]string{"x": "1", "y": "3"}),
		"missing label":  Fingerprint("a", map[string]string{"x": "1"}),
		"shifted border": Fingerprint("a", map[string]string{"x": "1y", "": "2"}),
	} {
		if other == base {
			t.Errorf("another %s gives the same fingerprint", name)
		}
	}
	if again := Fingerprint("a", map[string]string{"y": "2", "x": "1"}); again != base {
		t.Errorf("the order of labels matters: %s, %s", base, again)
	}
}
