package endpoint_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestTCP(t *testing.T) {
	t.Parallel()
	banner := serve(t, func(c net.Conn) {
		for _, part := range []string{"SSH-2.0", "-Open", "SSH_9.2\r\n"} {
			_, _ = io.WriteString(c, part)
			time.Sleep(5 * time.Millisecond)
		}
		_, _ = io.Copy(io.Discard, c)
	})
	redis := serve(t, func(c net.Conn) {
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && line == "PING\r\n" {
			_, _ = io.WriteString(c, "+PONG\r\n")
		}
	})
	mute := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	closing := serve(t, func(net.Conn) {})
	endless := serve(t, func(c net.Conn) {
		for {
			if _, err := c.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	host, port, _ := net.SplitHostPort(banner)
	for name, tt := range map[string]struct {
		config  map[string]any
		status  checkers.Status
		message string
	}{
		"connected":        {map[string]any{"address": mute}, checkers.OK, mute + ": connected in "},
		"host and port":    {map[string]any{"host": host, "port": port, "expect": "SSH-2.0-OpenSSH"}, checkers.OK, banner + ": answers as expected in "},
		"address and port": {map[string]any{"address": host, "port": port}, checkers.OK, banner + ": connected in "},
		"asked":            {map[string]any{"address": redis, "send": "PING\r\n", "expect": "+PONG"}, checkers.OK, "answers as expected"},
		"another answer":   {map[string]any{"address": redis, "send": "PING\r\n", "expect": "+PANG"}, checkers.Critical, `answers with 7 bytes without "+PANG"`},
		"says no more":     {map[string]any{"address": banner, "expect": "dropbear", "timeout": 2}, checkers.Critical, `answers with 21 bytes without "dropbear"`},
		"mute":             {map[string]any{"address": mute, "expect": "x", "timeout": 2}, checkers.Critical, "connected, but no answer within 2s"},
		"closing":          {map[string]any{"address": closing, "expect": "x"}, checkers.Critical, "connected, but the connection was closed before there was an answer"},
		"endless":          {map[string]any{"address": endless, "expect": "x"}, checkers.Critical, `answers with 65536 bytes without "x"`},
		"nobody":           {map[string]any{"address": nobody(t)}, checkers.Critical, "refused: nothing listens there"},
		"no such name":     {map[string]any{"address": "nothing.invalid:80"}, checkers.Critical, "name"},
		"named":            {map[string]any{"address": mute, "name": "cache"}, checkers.OK, "cache: connected"},
		"slow":             {map[string]any{"address": banner, "expect": "SSH-2.0-OpenSSH_9", "warning_threshold": 1}, checkers.Warning, ", the threshold is 1 ms"},
		"several":          {map[string]any{"address": mute, "targets": []any{banner, nobody(t)}}, checkers.Critical, "1 of 3 targets not well: 127.0.0.1:"},
		"one port for all": {map[string]any{"port": port, "targets": []any{host, map[string]any{"host": host, "expect": "SSH"}}}, checkers.OK, "all 2 targets are well"},
		"nothing":          {nil, checkers.Unknown, "address or targets: want something to look at"},
		"no port":          {map[string]any{"address": "localhost"}, checkers.Unknown, "address: want a port from 1 to 65535"},
		"port too large":   {map[string]any{"address": "localhost:70000"}, checkers.Unknown, "address: want a port from 1 to 65535"},
		"not a host":       {map[string]any{"address": "a b:1"}, checkers.Unknown, "address: want a host name or an address"},
		"a path":           {map[string]any{"address": "/run/x.sock:1"}, checkers.Unknown, "address: want a host name or an address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := expect(t, endpoint.TCP{}, tt.config, tt.status, tt.message)
			if strings.HasPrefix(r.Message, "127.0.0.1:") && (r.Metrics["up"] == true) != (r.Status != checkers.Critical) {
				t.Errorf("%v", r.Metrics)
			}
		})
	}
}

func TestTCPGuard(t *testing.T) {
	t.Parallel()
	address := serve(t, func(net.Conn) { t.Error("it was called") })
	guard, err := httpclient.New(httpclient.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	for name, c := range map[string]struct {
		check  checkers.Checker
		config map[string]any
	}{
		"tcp":  {endpoint.TCP{}, map[string]any{"address": address}},
		"tls":  {endpoint.TLSExpiry{}, map[string]any{"host": address}},
		"dns":  {endpoint.DNS{}, map[string]any{"name": "a.example", "server": address}},
		"http": {endpoint.HTTP{}, map[string]any{"url": "http://" + address}},
	} {
		r := checkertest.With(t, c.check, checkers.Input{Guarded: true, Guard: guard, Config: []byte(settings(t, c.config))})
		if r.Status != checkers.Unknown || !strings.Contains(r.Message, "HUB_EGRESS_ALLOW="+address) {
			t.Errorf("%s: %s: %s", name, r.Status, r.Message)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[::1]:9": "[::1]:9: refused", "::1": "[::1]:9: refused", "[::1]": "[::1]:9: refused", "127.0.0.1": "127.0.0.1:9: refused",
	} {
		r := checkertest.Run(t, endpoint.TCP{}, nil, settings(t, map[string]any{"address": text, "port": 9, "timeout": 5}))
		if !strings.HasPrefix(r.Message, strings.TrimSuffix(want, "refused")) || r.Status != checkers.Critical {
			t.Errorf("%s: %s: %s", text, r.Status, r.Message)
		}
	}
}
