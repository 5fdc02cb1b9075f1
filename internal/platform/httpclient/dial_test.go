package httpclient_test

import (
	"errors"
	"net"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// TestDialContext: other protocols meet the same guard, at the address that a name has when it is dialled.
func TestDialContext(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		allow   []string
		address string
		blocked bool
	}{
		"listed":                {[]string{address}, address, false},
		"listed by name":        {[]string{"localhost:" + port}, "localhost:" + port, false},
		"not listed":            {nil, address, true},
		"not listed, by name":   {nil, "localhost:" + port, true},
		"another port":          {[]string{"127.0.0.1:1"}, address, true},
		"never, listed or not":  {[]string{"169.254.0.0/16"}, "169.254.169.254:25", true},
		"mapped into IPv6":      {nil, "[::ffff:127.0.0.1]:" + port, true},
		"a name that is listed": {[]string{"localhost"}, "127.0.0.1:" + port, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := httpclient.New(httpclient.Config{Allow: tt.allow})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := c.DialContext(t.Context(), "tcp", tt.address)
			if conn != nil {
				_ = conn.Close()
			}
			if got := errors.Is(err, httpclient.ErrBlocked); got != tt.blocked || !tt.blocked && err != nil {
				t.Errorf("blocked %v, want %v: %v", got, tt.blocked, err)
			}
			if tt.blocked && (!fault.IsPermanent(err) || fault.Class(err) != fault.ClassBlocked) {
				t.Errorf("not permanent, or of class %s: %v", fault.Class(err), err)
			}
		})
	}
}
