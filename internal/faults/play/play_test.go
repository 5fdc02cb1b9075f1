//go:build linux

package play

import (
	"context"
	"net"
	"testing"
	"time"
)

func TestRunRefusesStrangeRoles(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{"", "{}", `{"kind":"villain"}`, `{"kind":"idle","join":["/nonexistent"]}`} {
		if err := Run(settings); err == nil {
			t.Errorf("%q was played", settings)
		}
	}
}

// The name server of a namespace is asked by the resolver of the standard library, which asks for both kinds of addresses.
func TestAnswerTo(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	c, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(answerTo(buf[:n]), from)
		}
	}()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
	got, err := r.LookupHost(t.Context(), "example.org.")
	if err != nil || len(got) != 1 || got[0] != "192.0.2.7" {
		t.Errorf("%v, %v", got, err)
	}
	if a := answerTo([]byte{1, 2, 3}); a != nil {
		t.Errorf("answered %v", a)
	}
}
