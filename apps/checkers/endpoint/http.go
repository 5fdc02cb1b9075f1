package endpoint

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// HTTP calls web pages and APIs and looks at their answers.
type HTTP struct {
	Clock clock.Clock // nil: the system's
}

var _ checkers.Checker = HTTP{}

// Limits of an answer.
const (
	maxBody   = 1 << 20
	maxHeader = 64 << 10
)

// Spec implements checkers.Checker.
func (HTTP) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "http", Doc: "Calls URLs and checks status, text, certificate and time of the answer.", Unit: "ms", Endpoint: true, Config: httpDefaults(),
	}
}

// Check implements checkers.Checker.
func (h HTTP) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, httpDefaults())
	if err != nil {
		return checkers.Finding{}, err
	}
	targets, err := c.all()
	if err != nil {
		return checkers.Finding{}, err
	}
	now := clock.System()
	if h.Clock != nil {
		now = h.Clock
	}
	return lookAt(ctx, in, targets, func(ctx context.Context, t HTTPConfig) outcome {
		v := &visit{c: &t, in: in, show: newShow(&t), phases: &phases{}, clock: now}
		return v.run(ctx)
	}), nil
}

// visit is one call of one target, with its redirects.
type visit struct {
	c         *HTTPConfig
	in        checkers.Input
	show      *show
	phases    *phases
	clock     clock.Clock
	redirects int
}

// redirectError is a redirect that is not followed.
type redirectError string

func (r redirectError) Error() string { return string(r) }

func (v *visit) run(ctx context.Context) outcome {
	o := outcome{target: v.show.name, metrics: map[string]any{"up": false}}
	var nowhere redirectError
	watch := clock.Start()
	got, err := v.call(ctx)
	elapsed := watch.Elapsed()
	o.metrics["redirects"] = v.redirects
	v.phases.fill(o.metrics)
	if got != nil {
		o.latency = elapsed
		v.describe(got, o.metrics)
	}
	switch {
	case errors.As(err, &nowhere):
		o.status, o.message = checkers.Critical, nowhere.Error()
	case err != nil:
		var message string
		o.status, message = trouble(ctx, err)
		if got != nil {
			message = fmt.Sprintf("answers %d, then its text breaks off: %s", got.status, message)
		}
		o.message = v.show.text(message)
	default:
		o.status, o.message = v.judge(got.status, got.body)
		o.metrics["up"] = o.status != checkers.Critical
		o.message += fmt.Sprintf(" in %.0f ms", elapsed.Seconds()*1000)
		o.status = checkers.Worse(o.status, slow(v.in, elapsed, &o.message))
	}
	return o
}

// reply is an answer, read up to its limit and one byte more.
type reply struct {
	status int
	proto  string
	tls    *tls.ConnectionState
	body   []byte
}

// call sends the request and reads the answer. With a reply and an error there was an answer whose body broke off.
func (v *visit) call(ctx context.Context) (*reply, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			defer v.phases.connecting()()
			return dial(ctx, v.in, network, address)
		},
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: v.c.SkipVerify, //nolint:gosec // the operator's own decision for this target, off by default
			RootCAs:            rootsOf(v.c.CAPEM),
		},
		DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, v.phases.trace()), v.c.Method, v.c.URL, strings.NewReader(v.c.Body))
	if err != nil {
		return nil, errors.New("the URL cannot be called")
	}
	req.Header.Set("User-Agent", "incidenthub")
	for name, value := range v.c.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: transport, CheckRedirect: v.redirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	defer v.phases.reading()()
	got := &reply{status: resp.StatusCode, proto: resp.Proto, tls: resp.TLS}
	got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	return got, err
}

// harmless headers go along to another host.
var harmless = []string{"Accept", "Accept-Language", "User-Agent"}

// redirect decides whether to go on to req.
func (v *visit) redirect(req *http.Request, via []*http.Request) error {
	if !v.c.Follow {
		return http.ErrUseLastResponse
	}
	if len(via) > int(v.c.MaxRedirects) {
		return redirectError(fmt.Sprintf("it redirects more than %d times", v.c.MaxRedirects))
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return redirectError("it redirects to something that is no web page")
	}
	v.redirects = len(via)
	req.Header.Del("Referer") // it would tell the query, which may hold a secret
	from := via[0].URL
	if strings.EqualFold(from.Host, req.URL.Host) && (from.Scheme == req.URL.Scheme || req.URL.Scheme == "https") {
		return nil
	}
	if req.Body != nil && req.Body != http.NoBody && v.c.Body != "" {
		return redirectError("it redirects what is sent to another host, which is not followed")
	}
	for name := range v.c.Headers {
		if !slices.Contains(harmless, http.CanonicalHeaderKey(name)) {
			req.Header.Del(name)
		}
	}
	req.Header.Del("Authorization") // of credentials in the URL
	return nil
}

// describe puts into the metrics what an answer looks like.
func (v *visit) describe(r *reply, m map[string]any) {
	m["status_code"], m["http_version"] = r.status, r.proto
	m["body_bytes"], m["body_truncated"] = min(len(r.body), maxBody), len(r.body) > maxBody
	if r.tls != nil && len(r.tls.PeerCertificates) > 0 {
		m["cert_days"] = daysLeft(v.clock.Now(), r.tls.PeerCertificates[0])
		m["tls_version"] = tls.VersionName(r.tls.Version)
	}
}

// judge looks at status and text.
func (v *visit) judge(status int, body []byte) (checkers.Status, string) {
	if !v.c.ExpectStatus.has(status) {
		return checkers.Critical, fmt.Sprintf("answers %d, want %s", status, strings.Join(v.c.ExpectStatus, " or "))
	}
	where := "the answer"
	if len(body) > maxBody {
		body, where = body[:maxBody], "the first 1 MiB of the answer"
	}
	has := func(text, pattern string) (found string) {
		switch {
		case text != "" && bytes.Contains(body, []byte(text)):
			return text
		case pattern != "" && regexp.MustCompile(pattern).Match(body): // compiled by Validate too
			return pattern
		default:
			return ""
		}
	}
	quote := func(text string) string { return v.show.text(fmt.Sprintf("%.80q", text)) }
	switch {
	case v.c.ExpectBody != "" && has(v.c.ExpectBody, "") == "":
		return checkers.Critical, fmt.Sprintf("answers %d, but %s does not contain %s", status, where, quote(v.c.ExpectBody))
	case v.c.ExpectBodyRegex != "" && has("", v.c.ExpectBodyRegex) == "":
		return checkers.Critical, fmt.Sprintf("answers %d, but %s does not match %s", status, where, quote(v.c.ExpectBodyRegex))
	case has(v.c.ForbidBody, v.c.ForbidBodyRegex) != "":
		return checkers.Critical, fmt.Sprintf("answers %d, but %s contains %s", status, where, quote(has(v.c.ForbidBody, v.c.ForbidBodyRegex)))
	default:
		return checkers.OK, fmt.Sprintf("answers %d", status)
	}
}
