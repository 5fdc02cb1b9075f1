package sources

import (
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Tolerance is how far a signed time may be from now, either way.
const Tolerance = 5 * time.Minute

// The headers of each scheme. PagerDuty: https://developer.pagerduty.com/docs/verifying-webhook-signatures; Grafana:
// https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
// (both read 2026-10-02).
var schemeHeaders = map[Scheme][]string{
	SchemePagerDuty: {"X-PagerDuty-Signature"},
	SchemeGrafana:   {"X-Grafana-Alerting-Signature", "X-Grafana-Signature"},
	SchemeNewRelic:  {"X-NewRelic-Signature"},
	SchemeGeneric:   {"X-Webhook-Signature"},
}

const genericTimestamp = "X-Webhook-Timestamp"

// maxCandidates bounds how many signatures of one list are looked at.
const maxCandidates = 16

// Signs reports whether Verify demands a signature of this request, so that its nil proves who sent it. driver is the one
// of the address or the detected one; "" when neither is known yet: then a default entry's scheme is chosen by the header
// that is there. Where it is false only the key counts.
func (e Entry) Signs(h http.Header, driver string) bool {
	sig, _ := e.scheme(h, driver)
	return sig.Scheme != SchemeNone
}

// Verify checks the signature of a request over the raw body, in constant time. It returns nil when none is demanded (see
// Signs), else an error that wraps ErrSignature and says why. now is UTC.
func (e Entry) Verify(h http.Header, body []byte, driver string, now time.Time) error {
	sig, keys := e.scheme(h, driver)
	if sig.Scheme == SchemeNone {
		return nil
	}
	header, given, err := signatureOf(h, sig.Scheme)
	if err != nil {
		return err
	}
	parts, err := signedParts(h, sig, body, now)
	if err != nil {
		return err
	}
	ok := false
	for _, key := range keys {
		want := []byte(hex.EncodeToString(secret.MAC(key, parts...)))
		for _, g := range given {
			ok = hmac.Equal(want, []byte(g)) || ok
		}
	}
	if !ok {
		return fmt.Errorf("%w: %s does not match", ErrSignature, header)
	}
	return nil
}

// scheme returns how this request must be signed and with which secrets. A scheme without secrets matches nothing.
func (e Entry) scheme(h http.Header, driver string) (Signature, []secret.String) {
	if e.signature.Scheme != SchemeNone {
		return e.signature, e.secrets
	}
	if driver != "" {
		if keys := e.env[Scheme(driver)]; len(keys) > 0 {
			return Signature{Scheme: Scheme(driver)}, keys
		}
		return Signature{}, nil
	}
	for _, scheme := range Schemes() {
		if keys := e.env[scheme]; len(keys) > 0 && slices.ContainsFunc(schemeHeaders[scheme], func(n string) bool { return h.Get(n) != "" }) {
			return Signature{Scheme: scheme}, keys
		}
	}
	return Signature{}, nil
}

// signatureOf returns the header and the signatures in it, in lower-case hex as senders write them.
func signatureOf(h http.Header, scheme Scheme) (header string, given []string, err error) {
	names := schemeHeaders[scheme]
	for _, name := range names {
		values := h.Values(name)
		if len(values) == 0 {
			continue
		}
		if scheme == SchemePagerDuty {
			return name, pagerDutyList(values), nil
		}
		if len(values) > 1 {
			return name, nil, fmt.Errorf("%w: %s is given %d times", ErrSignature, name, len(values))
		}
		return name, []string{bare(values[0])}, nil
	}
	return "", nil, fmt.Errorf("%w: the header %s is missing", ErrSignature, names[0])
}

// bare drops the optional prefix. Another algorithm's prefix stays, and so matches nothing.
func bare(v string) string { return strings.TrimPrefix(strings.TrimSpace(v), "sha256=") }

// pagerDutyList reads "v1=<hex>,v1=<hex>": while a secret rotates there is one entry per secret. Other versions are skipped.
func pagerDutyList(values []string) []string {
	var given []string
	for entry := range strings.SplitSeq(strings.Join(values, ","), ",") {
		entry = strings.TrimSpace(entry)
		version, sum, versioned := strings.Cut(entry, "=")
		switch {
		case versioned && version == "v1":
			given = append(given, sum)
		case !versioned || version == "sha256":
			given = append(given, bare(entry))
		}
		if len(given) == maxCandidates {
			break
		}
	}
	return given
}

// signedParts returns what the signature is over, after a look at the signed time where there is one.
func signedParts(h http.Header, sig Signature, body []byte, now time.Time) ([][]byte, error) {
	name, separator := sig.TimestampHeader, ":"
	if sig.Scheme == SchemeGeneric {
		if len(h.Values(genericTimestamp)) == 0 {
			return [][]byte{body}, nil
		}
		name, separator = genericTimestamp, "."
	}
	if name == "" {
		return [][]byte{body}, nil
	}
	values := h.Values(name)
	if len(values) != 1 {
		return nil, fmt.Errorf("%w: the header %s must be given once", ErrSignature, name)
	}
	seconds, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return nil, fmt.Errorf("%w: %s must be in seconds since 1970", ErrSignature, name)
	}
	if off := now.Sub(time.Unix(seconds, 0)); off.Abs() > Tolerance {
		return nil, fmt.Errorf("%w: %s is more than %s off; check the sender's clock", ErrSignature, name, Tolerance)
	}
	return [][]byte{[]byte(values[0]), []byte(separator), body}, nil
}
