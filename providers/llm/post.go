package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/providers"
)

// maxRedirects is how often an address may send us on, within its own host.
const maxRedirects = 3

// Post makes one POST of body as JSON and reads the answer. What is no 2xx, or too long, or broke off is a *providers.Error; its text holds no
// key, no body and no query. The Reply is filled as far as it came.
func Post(ctx context.Context, d Deps, address string, header http.Header, body any) (Reply, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return Reply{}, &providers.Error{Class: providers.ErrInternal, Err: fmt.Errorf("write the request: %w", err)}
	}
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json")
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	return send(ctx, d, address, h, raw)
}

// Doer lets clients of others make guarded calls: capped, without redirects to another host. Its errors are *providers.Error, also those
// of statuses that are no 2xx.
func Doer(d Deps) Doing { return Doing{deps: d} }

// Doing has the one method that clients ask for.
type Doing struct{ deps Deps }

// Do makes one call.
func (d Doing) Do(req *http.Request) (*http.Response, error) {
	resp, _, err := d.DoRead(req)
	return resp, err
}

// DoRead makes one call and gives its body beside the response, which has it still to be read.
func (d Doing) DoRead(req *http.Request) (resp *http.Response, answer []byte, err error) {
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, nil, &providers.Error{Class: providers.ErrInternal, Err: fmt.Errorf("write the request: %w", err)}
		}
		_ = req.Body.Close()
	}
	r, err := send(req.Context(), d.deps, req.URL.String(), req.Header, body)
	if err != nil {
		return nil, nil, err
	}
	return &http.Response{
		StatusCode: r.Status, Status: fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)), Header: r.Header, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)),
	}, r.Body, nil
}

func send(ctx context.Context, d Deps, address string, header http.Header, body []byte) (Reply, error) {
	if d.HTTP == nil {
		return Reply{}, &providers.Error{Class: providers.ErrInternal, Err: errors.New("there is no HTTP client")}
	}
	for range maxRedirects {
		r, err := once(ctx, d, address, header, body)
		if err != nil || r.Status < 300 || r.Status > 399 {
			return r, err
		}
		if address, err = next(address, r); err != nil {
			return r, err
		}
	}
	return Reply{}, moved("the API sends us on and on: set base_url to where it leads")
}

func once(ctx context.Context, d Deps, address string, header http.Header, body []byte) (Reply, error) {
	//nolint:gosec // G704: going where the settings say is the purpose; the guard of the client decides
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil { // its text has the address
		return Reply{}, &providers.Error{Class: providers.ErrBadRequest, Err: errors.New("the address cannot be used: look at base_url")}
	}
	req.Header = header.Clone()
	resp, err := d.HTTP.Do(ctx, req)
	if err != nil {
		return Reply{}, callError(ctx, err)
	}
	r := Reply{Status: resp.Status, Header: resp.Header, Body: resp.Body, Cut: resp.Truncated && resp.BodyErr == nil}
	if len(r.Body) > MaxAnswer {
		r.Body, r.Cut = r.Body[:MaxAnswer], true
	}
	if r.Status >= 300 && r.Status <= 399 {
		return r, nil
	}
	if e := Classify(r.Status, r.Header, r.Body, d.clock().Now()); e != nil {
		return r, e
	}
	switch {
	case resp.BodyErr != nil:
		return r, callError(ctx, resp.BodyErr)
	case r.Cut:
		return r, &providers.Error{Class: providers.ErrMalformed, Err: fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)}
	}
	return r, nil
}

// next is where a redirect leads: only within the same host, with the same method.
func next(from string, r Reply) (string, error) {
	location := r.Header.Get("Location")
	base, err := url.Parse(from)
	if err != nil {
		return "", moved("a redirect from an address that cannot be read")
	}
	to, err := base.Parse(location)
	switch {
	case r.Status != http.StatusTemporaryRedirect && r.Status != http.StatusPermanentRedirect, location == "", err != nil:
		return "", moved("the API answered %d: set base_url to the address of the API itself", r.Status)
	case !strings.EqualFold(to.Host, base.Host) || to.Scheme != base.Scheme || to.User != nil:
		return "", moved("the API sends us to another host, which is not followed: set base_url to where it leads")
	}
	return to.String(), nil
}

// moved is permanent: a second try is sent to the same place.
func moved(format string, args ...any) error {
	return &providers.Error{Class: providers.ErrNetwork, Err: fault.Permanent(fmt.Errorf(format, args...))}
}

// callError is the class of a call without an answer.
func callError(ctx context.Context, err error) error {
	class := providers.ErrNetwork
	switch {
	case errors.Is(err, httpclient.ErrBlocked), errors.Is(err, httpclient.ErrBadURL):
		err = fault.Permanent(err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		class = providers.ErrTimeout
	}
	return &providers.Error{Class: class, Err: err}
}
