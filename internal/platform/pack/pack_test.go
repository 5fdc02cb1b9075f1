package pack_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/pack"
)

func TestPack(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"nothing": {}, "short": []byte("x"), "json": []byte(strings.Repeat(`{"labels":{"a":"b"}},`, 400)), "large": bytes.Repeat([]byte("0123456789"), 300_000),
	} {
		was := bytes.Clone(b)
		encoding, packed := pack.Pack(b)
		got, err := pack.Unpack(encoding, packed)
		if err != nil || !bytes.Equal(got, was) || !bytes.Equal(b, was) {
			t.Errorf("%s: %d bytes came back as %d, %v", name, len(was), len(got), err)
		}
		if len(b) > 1000 && len(packed) > len(b)/10 {
			t.Errorf("%s: %d bytes became %d", name, len(b), len(packed))
		}
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	if got, err := pack.Unpack(pack.Plain, []byte("as it is")); err != nil || string(got) != "as it is" {
		t.Errorf("plain: %q, %v", got, err)
	}
	_, packed := pack.Pack([]byte(strings.Repeat("abc", 100)))
	for name, tt := range map[string]struct {
		encoding int
		bytes    []byte
	}{
		"cut":      {pack.S2, packed[:len(packed)-2]},
		"empty":    {pack.S2, nil},
		"huge":     {pack.S2, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}},
		"encoding": {7, packed},
	} {
		if got, err := pack.Unpack(tt.encoding, tt.bytes); !errors.Is(err, pack.ErrDamaged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
