package host_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestReadAndList(t *testing.T) {
	t.Parallel()
	p := host.New(host.Config{})
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 2<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := p.Read(t.Context(), filepath.Join(dir, "a")); err != nil || len(text) != 1<<20 {
		t.Errorf("read %d bytes: %v", len(text), err)
	}
	if _, err := p.Read(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := p.Read(t.Context(), dir); err == nil {
		t.Error("a directory was read")
	}
	if names, err := p.List(t.Context(), dir); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("names %q: %v", names, err)
	}
	if _, err := p.List(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestPidfiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	self := strconv.Itoa(os.Getpid())
	for path, text := range map[string]string{
		"run/own.pid": self + "\n", "run/web/main.pid": " 4194000 \nmore\n", "run/text.pid": "none", "run/deep/er/x.pid": "1", "tmp/zero.pid": "0",
		"run/huge.pid": "99999999999999999999", "run/not.txt": "1",
	} {
		make1(t, filepath.Join(root, path), func(at string) error { return os.WriteFile(at, []byte(text), 0o600) })
	}
	make1(t, filepath.Join(root, "var/run"), func(at string) error { return os.Symlink("../run", at) })
	got, err := host.New(host.Config{Root: root}).Pidfiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || got[0].Name == "" {
		t.Fatalf("pidfiles %+v", got)
	}
	want := []host.Pidfile{{Path: "/run/own.pid", PID: os.Getpid(), Alive: true, Name: got[0].Name}, {Path: "/run/web/main.pid", PID: 4194000}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(host.Pidfile{}, "ModifiedAt")); diff != "" {
		t.Errorf("pidfiles (-want +got):\n%s", diff)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1)
			if _, err := c.Read(b); err == nil && b[0] == 'h' {
				_, _ = c.Write([]byte("hello"))
			}
			_ = c.Close()
		}
	}()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	p := host.New(host.Config{})
	for name, tt := range map[string]struct {
		at, send, want   string
		connected, first bool
	}{
		"stands":           {l.Addr().String(), "", "", true, false},
		"answers":          {l.Addr().String(), "h", "", true, true},
		"closes":           {l.Addr().String(), "x", "closed without an answer", true, false},
		"nobody listens":   {"127.0.0.1:1", "", "refused", false, false},
		"never answers":    {silent.Addr().String(), "x", "timeout", true, false},
		"no port is given": {"127.0.0.1", "", "dial tcp: address 127.0.0.1: missing port in address", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if tt.want == "timeout" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
				defer cancel()
			}
			c := p.Connect(ctx, tt.at, tt.send)
			if c.Error != tt.want || (c.Connected > 0) != tt.connected || (c.FirstByte > 0) != tt.first || c.Address != tt.at {
				t.Errorf("%+v", c)
			}
		})
	}
}

// nameServer answers what its handler says; nil is silence.
func nameServer(t *testing.T, answer func(q dnsmessage.Question) (dnsmessage.RCode, []dnsmessage.ResourceBody)) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil {
				continue
			}
			m.Response = true
			code, bodies := answer(m.Questions[0])
			m.RCode = code
			for _, body := range bodies {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: 1}, Body: body})
			}
			out, err := m.Pack()
			if err != nil {
				continue
			}
			_, _ = c.WriteTo([]byte("not a message"), from)
			other := slices.Clone(out)
			other[0]++ // the answer to another question
			_, _ = c.WriteTo(other, from)
			_, _ = c.WriteTo(out, from)
		}
	}()
	return c.LocalAddr().String()
}

func TestLookup(t *testing.T) {
	t.Parallel()
	at := nameServer(t, func(q dnsmessage.Question) (dnsmessage.RCode, []dnsmessage.ResourceBody) {
		four, six := &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}
		switch q.Name.String() {
		case "four.example.":
			return dnsmessage.RCodeSuccess, []dnsmessage.ResourceBody{four, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 0}}}
		case "six.example.":
			if q.Type == dnsmessage.TypeA {
				return dnsmessage.RCodeSuccess, nil
			}
			return dnsmessage.RCodeSuccess, []dnsmessage.ResourceBody{six}
		case "broken.example.":
			return dnsmessage.RCodeServerFailure, nil
		case "closed.example.":
			return dnsmessage.RCodeRefused, nil
		}
		return dnsmessage.RCodeNameError, nil
	})
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	p := host.New(host.Config{})
	for name, tt := range map[string]struct {
		server, ask, err string
		want             []string
	}{
		"addresses":       {at, "four.example", "", []string{"192.0.2.0", "192.0.2.1"}},
		"IPv6 only":       {at, "six.example.", "", []string{"2001:db8::1"}},
		"no such host":    {at, "none.example", "no such host", nil},
		"server failure":  {at, "broken.example", "server failure", nil},
		"refuses":         {at, "closed.example", "refused", nil},
		"silent":          {silent.LocalAddr().String(), "four.example", "timeout", nil},
		"not a name":      {at, string(make([]byte, 300)), "not a domain name", nil},
		"the system's":    {"", "localhost", "", []string{"127.0.0.1"}},
		"no such address": {"not an address", "four.example", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := p.Lookup(t.Context(), tt.server, tt.ask)
			switch name {
			case "the system's":
				if !slices.Contains(a.Addresses, "127.0.0.1") && runtime.GOOS == "linux" {
					t.Errorf("%+v", a)
				}
			case "no such address":
				if a.Error == "" {
					t.Errorf("%+v", a)
				}
			default:
				if a.Error != tt.err || !slices.Equal(a.Addresses, tt.want) || a.Took <= 0 || a.Name != tt.ask {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}
