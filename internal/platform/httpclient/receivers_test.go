package httpclient_test

import (
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestBadReceivers(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	hang := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // until the client goes away
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }
	slowly := func(c net.Conn, text string) {
		for i := range len(text) {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	const never = time.Minute
	answered := make(chan struct{})
	for name, tt := range map[string]struct {
		serve   func(net.Conn)
		timeout time.Duration
		status  int    // 0: no answer
		class   string // of the error, or of BodyErr
		outcome httpclient.Outcome
	}{
		"closes without a word":  {func(net.Conn) {}, never, 0, "reset", httpclient.Retry},
		"resets after accepting": {reset, never, 0, "reset", httpclient.Retry},
		"hangs":                  {hang, 300 * time.Millisecond, 0, "timeout", httpclient.Retry},
		"head byte by byte":      {func(c net.Conn) { slowly(c, head) }, 300 * time.Millisecond, 0, "timeout", httpclient.Retry},
		"head without end": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("x", 1000)); err != nil {
					return
				}
			}
		}, never, 0, "error", httpclient.Retry},
		"no HTTP": {func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp.example ESMTP\r\n") }, never, 0, "error", httpclient.Retry},
		"body byte by byte": {func(c net.Conn) {
			_, _ = io.WriteString(c, head)
			slowly(c, strings.Repeat("x", 100))
		}, 3 * time.Second, 200, "timeout", httpclient.Done},
		"reset within the body": {func(c net.Conn) {
			_, _ = io.WriteString(c, head+"half")
			<-answered // a reset overtakes what was not read yet
			reset(c)
		}, never, 200, "reset", httpclient.Done},
		"closed within the body": {func(c net.Conn) { _, _ = io.WriteString(c, head+"half") }, never, 200, "reset", httpclient.Done},
		"500, closed within the body": {func(c net.Conn) {
			_, _ = io.WriteString(c, strings.Replace(head, "200 OK", "500 X", 1)+"half")
		}, never, 500, "reset", httpclient.Retry},
		"switches protocols": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			hang(c)
		}, never, 101, "", httpclient.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := raw(t, tt.serve)
			ctx := t.Context()
			if name == "reset within the body" {
				ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { close(answered) }})
			}
			start := time.Now()
			resp, err := postIn(ctx, t, client(t, timeout(tt.timeout)), url+"/canary?token=canary", "x")
			limit := 3 * time.Second
			if tt.class == "timeout" {
				limit = tt.timeout + 2700*time.Millisecond
			}
			if took := time.Since(start); took > limit {
				t.Errorf("took %v with a timeout of %v", took, tt.timeout)
			}
			if resp.Status != tt.status || (err == nil) != (tt.status != 0) {
				t.Fatalf("got %d, %v; want status %d", resp.Status, err, tt.status)
			}
			v := httpclient.Judge(resp.Status, resp.Header, err, time.Time{})
			if err == nil {
				err = resp.BodyErr
			}
			if got := fault.Class(err); got != tt.class {
				t.Errorf("class %q of %v, want %q", got, err, tt.class)
			}
			if v.Outcome != tt.outcome {
				t.Errorf("verdict %v, want %v", v.Outcome, tt.outcome)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows path or query: %v", err)
			}
			if resp.BodyErr != nil && !resp.Truncated {
				t.Error("a broken body is not marked Truncated")
			}
		})
	}
}
