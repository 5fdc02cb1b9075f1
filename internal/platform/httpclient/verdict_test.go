package httpclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestJudgeStatus(t *testing.T) {
	t.Parallel()
	again := map[int]bool{408: true, 425: true, 429: true}
	for status := 100; status < 700; status++ {
		want := httpclient.Permanent
		switch {
		case status >= 200 && status < 300:
			want = httpclient.Done
		case again[status], status >= 500 && status < 600 && status != 501:
			want = httpclient.Retry
		}
		if got := httpclient.Judge(status, nil, nil, time.Time{}); got.Outcome != want {
			t.Errorf("Judge(%d) = %v, want %v", status, got.Outcome, want)
		}
	}
}

func TestJudgeError(t *testing.T) {
	t.Parallel()
	base := errors.New("x")
	for name, tt := range map[string]struct {
		err  error
		want httpclient.Verdict
	}{
		"network":   {io.EOF, httpclient.Verdict{Outcome: httpclient.Retry}},
		"canceled":  {context.Canceled, httpclient.Verdict{Outcome: httpclient.Retry}},
		"timeout":   {context.DeadlineExceeded, httpclient.Verdict{Outcome: httpclient.Retry}},
		"blocked":   {httpclient.ErrBlocked, httpclient.Verdict{Outcome: httpclient.Permanent}},
		"bad URL":   {httpclient.ErrBadURL, httpclient.Verdict{Outcome: httpclient.Permanent}},
		"permanent": {fault.Permanent(base), httpclient.Verdict{Outcome: httpclient.Permanent}},
		"after":     {fault.RetryAfter(base, time.Minute), httpclient.Verdict{Outcome: httpclient.Retry, After: time.Minute}},
	} {
		if got := httpclient.Judge(0, nil, tt.err, time.Time{}); got != tt.want {
			t.Errorf("%s: Judge = %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		status      int
		after, date string
		want        time.Duration
	}{
		"none":                        {503, "", "", 0},
		"seconds":                     {429, "120", "", 2 * time.Minute},
		"zero":                        {503, "0", "", 0},
		"spaces":                      {503, " 7 ", "", 7 * time.Second},
		"capped":                      {503, "86400", "", time.Hour},
		"too many digits":             {503, "99999999999999999999999", "", time.Hour},
		"negative":                    {503, "-5", "", 0},
		"fraction":                    {503, "1.5", "", 0},
		"garbage":                     {503, "soon", "", 0},
		"date":                        {503, "Sun, 01 Mar 2026 12:01:30 GMT", "", 90 * time.Second},
		"date against its own clock":  {503, "Sun, 01 Mar 2026 15:01:30 GMT", "Sun, 01 Mar 2026 15:00:00 GMT", 90 * time.Second},
		"date, unreadable own clock":  {503, "Sun, 01 Mar 2026 12:01:30 GMT", "today", 90 * time.Second},
		"date in the past":            {503, "Sun, 01 Mar 2026 11:00:00 GMT", "", 0},
		"date far away":               {503, "Mon, 01 Mar 2027 12:00:00 GMT", "", time.Hour},
		"date, old form (RFC 850)":    {503, "Sunday, 01-Mar-26 12:00:10 GMT", "", 10 * time.Second},
		"date, old form (asctime)":    {503, "Sun Mar  1 12:00:10 2026", "", 10 * time.Second},
		"not with a permanent answer": {404, "120", "", 0},
		"not with a success":          {202, "120", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("Retry-After", tt.after)
			h.Set("Date", tt.date)
			if got := httpclient.Judge(tt.status, h, nil, now); got.After != tt.want {
				t.Errorf("After = %v, want %v", got.After, tt.want)
			}
		})
	}
}

func TestResponseErr(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		header http.Header
		class  string
		text   string
		retry  bool
		after  time.Duration
	}{
		"200":             {200, nil, "", "", false, 0},
		"204":             {204, nil, "", "", false, 0},
		"301":             {301, nil, "http_301", "receiver answered 301 Moved Permanently: redirects are not followed, use the address it leads to", false, 0},
		"404":             {404, nil, "http_404", "receiver answered 404 Not Found", false, 0},
		"429 with a wait": {429, http.Header{"Retry-After": {"30"}}, "http_429", "receiver answered 429 Too Many Requests", true, 30 * time.Second},
		"500":             {500, nil, "http_500", "receiver answered 500 Internal Server Error", true, 0},
		"599, no name":    {599, nil, "http_599", "receiver answered 599", true, 0},
	} {
		err := httpclient.Response{Status: tt.status, Header: tt.header, Body: []byte("canary")}.Err()
		if tt.class == "" {
			if err != nil {
				t.Errorf("%s: Err() = %v, want nil", name, err)
			}
			continue
		}
		after, retry := fault.Retry(err)
		if err == nil || err.Error() != tt.text || fault.Class(err) != tt.class || retry != tt.retry || after != tt.after {
			t.Errorf("%s: Err() = %q, class %q, retry %t after %v; want %+v", name, err, fault.Class(err), retry, after, tt)
		}
	}
}

func TestOutcomeString(t *testing.T) {
	t.Parallel()
	for o, want := range map[httpclient.Outcome]string{
		httpclient.Done: "done", httpclient.Retry: "retry", httpclient.Permanent: "permanent", httpclient.Outcome(9): "retry",
	} {
		if got := o.String(); got != want {
			t.Errorf("Outcome(%d) = %q, want %q", o, got, want)
		}
	}
}
