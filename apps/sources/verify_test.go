package sources_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const (
	body   = `{"alerts":[{"status":"firing"}]}`
	key    = "the signing secret"
	second = "the other signing secret"
)

var now = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)

func mac(key string, parts ...string) string {
	var bytes [][]byte
	for _, p := range parts {
		bytes = append(bytes, []byte(p))
	}
	return hex.EncodeToString(secret.MAC(secret.NewString(key), bytes...))
}

// signed makes a header of name, value pairs; a name may come twice.
func signed(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func entryOf(t *testing.T, s *sources.Service, name string) sources.Entry {
	t.Helper()
	entries, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no entry %q", name)
	return sources.Entry{}
}

type attempt struct {
	header http.Header
	ok     bool
}

// common is what holds for every scheme that signs the body alone.
func common(header string) map[string]attempt {
	good := mac(key, body)
	return map[string]attempt{
		"good":                {signed(header, good), true},
		"good, prefixed":      {signed(header, "sha256="+good), true},
		"good, header's case": {signed(strings.ToLower(header), good), true},
		"rotated":             {signed(header, mac(second, body)), true},
		"missing":             {signed(), false},
		"empty":               {signed(header, ""), false},
		"wrong":               {signed(header, mac("guess", body)), false},
		"truncated":           {signed(header, good[:len(good)-2]), false},
		"first byte only":     {signed(header, good[:2]), false},
		"wrong case":          {signed(header, strings.ToUpper(good)), false},
		"doubled":             {signed(header, good+good), false},
		"prefix doubled":      {signed(header, "sha256=sha256="+good), false},
		"sha1 prefix":         {signed(header, "sha1="+good), false},
		"another body":        {signed(header, mac(key, body+" ")), false},
		"not hex":             {signed(header, strings.Repeat("zz", 32)), false},
		"in another header":   {signed("X-Signature", good), false},
	}
}

func merge(base, more map[string]attempt) map[string]attempt {
	maps.Copy(base, more)
	return base
}

func at(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }

// TestVerify is abuse test A2: every scheme with good, missing, wrong, mangled, old and rotated signatures.
func TestVerify(t *testing.T) {
	t.Parallel()
	good := mac(key, body)
	timed := func(header, clock, separator string, d time.Duration) http.Header {
		return signed(header, mac(key, at(d), separator, body), clock, at(d))
	}
	const grafanaTime, genericTime = "X-Grafana-Time", "X-Webhook-Timestamp"
	schemes := map[string]struct {
		signature sources.Signature
		attempts  map[string]attempt
	}{
		"pagerduty": {sources.Signature{Scheme: sources.SchemePagerDuty}, merge(common("X-PagerDuty-Signature"), map[string]attempt{
			"v1":                {signed("X-PagerDuty-Signature", "v1="+good), true},
			"v1 list":           {signed("X-PagerDuty-Signature", "v1="+mac("old", body)+", v1="+good), true},
			"v1 in two headers": {signed("X-PagerDuty-Signature", "v1="+mac("old", body), "X-PagerDuty-Signature", "v1="+good), true},
			"v2":                {signed("X-PagerDuty-Signature", "v2="+good), false},
			"v1 wrong":          {signed("X-PagerDuty-Signature", "v1="+mac("old", body)), false},
			"v1 past the cap":   {signed("X-PagerDuty-Signature", strings.Repeat("v1=00,", 16)+"v1="+good), false},
		})},
		"grafana": {sources.Signature{Scheme: sources.SchemeGrafana}, merge(common("X-Grafana-Alerting-Signature"), map[string]attempt{
			"the contract's header": {signed("X-Grafana-Signature", good), true},
			"header twice":          {signed("X-Grafana-Signature", good, "X-Grafana-Signature", good), false},
		})},
		"grafana with time": {sources.Signature{Scheme: sources.SchemeGrafana, TimestampHeader: grafanaTime}, map[string]attempt{
			"good":           {timed("X-Grafana-Alerting-Signature", grafanaTime, ":", 0), true},
			"5 min early":    {timed("X-Grafana-Alerting-Signature", grafanaTime, ":", 5*time.Minute), true},
			"5 min late":     {timed("X-Grafana-Alerting-Signature", grafanaTime, ":", -5*time.Minute), true},
			"too old":        {timed("X-Grafana-Alerting-Signature", grafanaTime, ":", -5*time.Minute-time.Second), false},
			"from tomorrow":  {timed("X-Grafana-Alerting-Signature", grafanaTime, ":", 24*time.Hour), false},
			"other mark":     {timed("X-Grafana-Alerting-Signature", grafanaTime, ".", 0), false},
			"body only":      {signed("X-Grafana-Alerting-Signature", good), false},
			"time unsigned":  {signed("X-Grafana-Alerting-Signature", good, grafanaTime, at(0)), false},
			"time twice":     {signed("X-Grafana-Alerting-Signature", mac(key, at(0), ":", body), grafanaTime, at(0), grafanaTime, at(0)), false},
			"time not digit": {signed("X-Grafana-Alerting-Signature", mac(key, "now", ":", body), grafanaTime, "now"), false},
			"time overflows": {signed("X-Grafana-Alerting-Signature", mac(key, "99999999999999999999", ":", body), grafanaTime, "99999999999999999999"), false},
		}},
		"newrelic": {sources.Signature{Scheme: sources.SchemeNewRelic}, common("X-NewRelic-Signature")},
		"generic": {sources.Signature{Scheme: sources.SchemeGeneric}, merge(common("X-Webhook-Signature"), map[string]attempt{
			"with time":        {timed("X-Webhook-Signature", genericTime, ".", time.Minute), true},
			"with old time":    {timed("X-Webhook-Signature", genericTime, ".", -6*time.Minute), false},
			"time changed":     {signed("X-Webhook-Signature", mac(key, at(-time.Hour), ".", body), genericTime, at(0)), false},
			"time taken away":  {signed("X-Webhook-Signature", mac(key, at(0), ".", body)), false},
			"time added":       {signed("X-Webhook-Signature", good, genericTime, at(0)), false},
			"time is empty":    {signed("X-Webhook-Signature", mac(key, "", ".", body), genericTime, ""), false},
			"time is negative": {signed("X-Webhook-Signature", mac(key, "-1", ".", body), genericTime, "-1"), false},
		})},
	}
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db, nil)
		for name, tt := range schemes {
			in := sources.Input{
				Name: strings.ReplaceAll(name, " ", "-"), Signature: tt.signature, IsActive: true,
				SignatureSecret: secretOf(key), SignaturePrevious: secretOf(second),
			}
			if _, _, err := s.Create(t.Context(), tenant, in); err != nil {
				t.Fatal(err)
			}
			entry := entryOf(t, s, in.Name)
			for what, a := range tt.attempts {
				err := entry.Verify(a.header, []byte(body), "alertmanager", now)
				if (err == nil) != a.ok || (err != nil && !errors.Is(err, sources.ErrSignature)) {
					t.Errorf("%s, %s: %v, want ok %t", name, what, err, a.ok)
				}
				if err != nil && (strings.Contains(err.Error(), key) || strings.Contains(err.Error(), good)) {
					t.Errorf("%s, %s: the error tells secrets: %v", name, what, err)
				}
				if !entry.Signs(a.header, "") {
					t.Errorf("%s, %s: no signature demanded", name, what)
				}
			}
		}
	})
}

// TestEnv: secrets of the environment hold for the default entry, by the driver of the address, else by the header sent.
func TestEnv(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		env := map[string]secret.String{
			"pagerduty": secret.NewString(key), "generic": secret.NewString(second), "zabbix": secret.NewString("never of use"),
		}
		s := service(t, db, env)
		if _, _, _, err := s.EnsureDefault(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Create(t.Context(), tenant, sources.Input{Name: "other", IsActive: true}); err != nil {
			t.Fatal(err)
		}
		entry, other := entryOf(t, s, sources.DefaultName), entryOf(t, s, "other")
		pagerduty := signed("X-PagerDuty-Signature", "v1="+mac(key, body))
		for name, tt := range map[string]struct {
			entry      sources.Entry
			header     http.Header
			driver     string
			signs, bad bool
		}{
			"good":                             {entry, pagerduty, "pagerduty", true, false},
			"missing":                          {entry, signed(), "pagerduty", true, true},
			"wrong":                            {entry, signed("X-PagerDuty-Signature", "v1="+mac(second, body)), "pagerduty", true, true},
			"detected by header":               {entry, pagerduty, "", true, false},
			"detected by header, wrong":        {entry, signed("X-Webhook-Signature", mac(key, body)), "", true, true},
			"no header yet":                    {entry, signed(), "", false, false},
			"a driver without secret":          {entry, pagerduty, "grafana", false, false},
			"a driver that cannot sign":        {entry, signed(), "zabbix", false, false},
			"an entry that is not the default": {other, signed(), "pagerduty", false, false},
		} {
			if got := tt.entry.Signs(tt.header, tt.driver); got != tt.signs {
				t.Errorf("%s: Signs = %t", name, got)
			}
			if err := tt.entry.Verify(tt.header, []byte(body), tt.driver, now); (err != nil) != tt.bad {
				t.Errorf("%s: Verify = %v", name, err)
			}
		}
	})
}

// An entry whose secret does not open must not become an entry that takes unsigned alerts.
func TestSnapshotFailsClosed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := service(t, db, nil)
		in := sources.Input{Name: "pd", Signature: sources.Signature{Scheme: sources.SchemePagerDuty}, SignatureSecret: secretOf(key), IsActive: true}
		if _, _, err := s.Create(t.Context(), tenant, in); err != nil {
			t.Fatal(err)
		}
		if err := db.From(t.Context()).Exec("DELETE FROM secrets").Error; err != nil {
			t.Fatal(err)
		}
		empty := signed("X-PagerDuty-Signature", "v1="+mac("", body))
		if err := entryOf(t, s, "pd").Verify(empty, []byte(body), "", now); !errors.Is(err, sources.ErrSignature) {
			t.Errorf("secret gone: %v", err)
		}
		if err := db.From(t.Context()).Exec("UPDATE sources SET is_active = ?", false).Error; err != nil {
			t.Fatal(err)
		}
		if entries, err := s.Snapshot(t.Context()); err != nil || len(entries) != 0 {
			t.Errorf("inactive: %v, %v", entries, err)
		}
	})
}
