// Package shape holds what the drivers share: reading labels, tags, links, states and levels out of bodies whose types and
// spelling cannot be relied upon, and the alert list that Alertmanager and Grafana have in common.
package shape

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// MaxLabels is the most labels or annotations that one alert may have; no real sender comes near it.
const MaxLabels = 1000

// maxFingerprint is the length in bytes up to which a sender's own fingerprint is kept as it is.
const maxFingerprint = 255

// Labels returns the members of an object as text, nested values as compact JSON; null members are left out. Anything but
// an object gives an empty map. It stops at one more than MaxLabels, of which Add rejects the alert.
func Labels(v doc.Value) map[string]string {
	o, _ := v.Obj()
	m := make(map[string]string, min(o.Len(), MaxLabels))
	for k, v := range o.All() {
		if len(m) > MaxLabels {
			break
		}
		if v.Kind() != doc.KindNull {
			m[k] = v.Text()
		}
	}
	return m
}

// Add appends o to the observations of p, or rejects it if it has too many labels or annotations.
func Add(p *event.Parsed, o event.Observation) {
	if n := max(len(o.Labels), len(o.Annotations)); n > MaxLabels {
		Reject(p, o.Index, fmt.Sprintf("has %d labels or annotations, at most %d are taken", n, MaxLabels))
		return
	}
	p.Observations = append(p.Observations, o)
}

// Reject notes that the item at index cannot be used.
func Reject(p *event.Parsed, index int, reason string) {
	p.Rejected = append(p.Rejected, event.Rejected{Index: index, Reason: reason})
}

// NoObject is the reason for rejecting an item that is not an object.
func NoObject(v doc.Value) string { return "not an object but " + v.Kind().String() }

// Set puts a value that is not empty into m.
func Set(m map[string]string, key, value string) {
	if value != "" {
		m[key] = value
	}
}

// Link returns s if it is an absolute http or https address, else "": senders leave macros, paths and worse in such fields.
func Link(s string) string {
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	if !ok || rest == "" || strings.ContainsAny(s, " \t\r\n\"<>\\`{}") {
		return ""
	}
	return s
}

// Fingerprint returns the sender's own identity of the alert, hashed if it is over 255 bytes, or else one made from the name
// and the labels.
func Fingerprint(own, name string, labels map[string]string) string {
	own = strings.TrimSpace(own)
	switch {
	case own == "":
		return event.Fingerprint(name, labels)
	case len(own) > maxFingerprint:
		sum := sha256.Sum256([]byte(own))
		return hex.EncodeToString(sum[:])
	default:
		return own
	}
}

// FirstLine returns the first line of a text, cut to 120 characters, to be a name where a sender gives only a message.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	line = strings.TrimSpace(line)
	n := 0
	for i := range line {
		if n == 120 {
			return strings.TrimSpace(line[:i]) + "…"
		}
		n++
	}
	return line
}
