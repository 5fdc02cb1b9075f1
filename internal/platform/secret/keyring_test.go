package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

const (
	place   = "channels/0198/config.headers"
	phraseA = "correct horse battery staple and one more"
	phraseB = "another passphrase of more than 32 characters"
)

var rawKey = []byte("0123456789abcdef0123456789abcdef")

func ring(t *testing.T, list string) *secret.Keyring {
	t.Helper()
	k, err := secret.NewKeyring(secret.NewString(list))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t *testing.T, k *secret.Keyring, plain string) string {
	t.Helper()
	sealed, err := k.Seal([]byte(plain), place)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	k := ring(t, phraseA)
	for name, plain := range map[string]string{
		"text":   canary,
		"empty":  "",
		"binary": "\x00\xff\n",
		"large":  strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := seal(t, k, plain), seal(t, k, plain)
			if first == second {
				t.Error("sealing twice gave the same text: the nonce is not random")
			}
			if !strings.HasPrefix(first, "v1:"+k.KeyID()+":") || plain == canary && strings.Contains(first, plain) {
				t.Errorf("sealed form: %.40q", first)
			}
			got, err := k.Open(first, place)
			if err != nil || string(got) != plain {
				t.Errorf("Open = %.40q, %v; want %.40q", got, err, plain)
			}
			if err := k.Check(first); err != nil {
				t.Errorf("Check = %v", err)
			}
		})
	}
}

// TestOpenOldValue guards the stored form: this value was written by the first version and must open for ever.
func TestOpenOldValue(t *testing.T) {
	t.Parallel()
	const old = "v1:91c28dea:a0/rQlp1brZEhP5X+EtOFQd6jRWnoHYUZkzrTr6y5uIXTQOFz3YB"
	got, err := ring(t, phraseA).Open(old, place)
	if err != nil || string(got) != canary {
		t.Errorf("Open = %q, %v; want %q", got, err, canary)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	k := ring(t, phraseA)
	sealed := seal(t, k, canary)
	head, body, _ := strings.Cut(strings.TrimPrefix(sealed, "v1:"), ":")
	box, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	box[len(box)-1] ^= 1
	flipped := "v1:" + head + ":" + base64.RawStdEncoding.EncodeToString(box)
	other := seal(t, ring(t, phraseB), canary)
	for name, tt := range map[string]struct {
		sealed, place string
		want          error
	}{
		"other place":         {sealed, "channels/0199/config.headers", secret.ErrTampered},
		"one bit changed":     {flipped, place, secret.ErrTampered},
		"shorter than nonce":  {"v1:" + head + ":AAAA", place, secret.ErrTampered},
		"other key's id":      {"v1:" + strings.Split(other, ":")[1] + ":" + body, place, secret.ErrNoKey},
		"other key":           {other, place, secret.ErrNoKey},
		"plain text":          {canary, place, secret.ErrMalformed},
		"empty":               {"", place, secret.ErrMalformed},
		"prefix only":         {"v1:", place, secret.ErrMalformed},
		"no body":             {"v1:" + head + ":", place, secret.ErrMalformed},
		"id not hex":          {"v1:zzzzzzzz:" + body, place, secret.ErrMalformed},
		"not base64":          {"v1:" + head + ":***", place, secret.ErrMalformed},
		"line break smuggled": {sealed[:20] + "\n" + sealed[20:], place, secret.ErrMalformed},
		"later version":       {"v2" + sealed[2:], place, secret.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := k.Open(tt.sealed, tt.place)
			if !errors.Is(err, tt.want) || got != nil {
				t.Errorf("Open = %q, %v; want nil, %v", got, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
	if _, err := k.Seal([]byte("x"), ""); err == nil {
		t.Error("Seal without a place: no error")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before, between, after := ring(t, phraseA), ring(t, phraseB+" , "+phraseA), ring(t, phraseB)
	old := seal(t, before, canary)
	if got, err := between.Open(old, place); err != nil || string(got) != canary {
		t.Fatalf("the second key does not open: %q, %v", got, err)
	}
	if before.Stale(old) || !between.Stale(old) {
		t.Error("Stale: want false before and true during the rotation")
	}
	renewed := seal(t, between, canary)
	if between.Stale(renewed) {
		t.Error("a fresh value is stale")
	}
	if got, err := after.Open(renewed, place); err != nil || string(got) != canary {
		t.Errorf("the first key did not seal: %q, %v", got, err)
	}
	err := after.Check(old)
	if !errors.Is(err, secret.ErrNoKey) || !strings.Contains(err.Error(), before.KeyID()) || !strings.Contains(err.Error(), "HUB_SECRET_KEY") {
		t.Errorf("Check without the old key = %v; want ErrNoKey naming the key id and the variable", err)
	}
}

func TestKeyForms(t *testing.T) {
	t.Parallel()
	want := ring(t, hex.EncodeToString(rawKey)).KeyID()
	for name, text := range map[string]string{
		"upper case hex":   strings.ToUpper(hex.EncodeToString(rawKey)),
		"base64":           base64.StdEncoding.EncodeToString(rawKey),
		"base64 unpadded":  base64.RawStdEncoding.EncodeToString(rawKey),
		"base64url":        base64.URLEncoding.EncodeToString(rawKey),
		"white space":      " " + hex.EncodeToString(rawKey) + "\n",
		"stray commas":     "," + hex.EncodeToString(rawKey) + ",",
		"first of several": hex.EncodeToString(rawKey) + "," + phraseA,
	} {
		if got := ring(t, text).KeyID(); got != want {
			t.Errorf("%s: key id %s, want %s", name, got, want)
		}
	}
	if got := ring(t, string(rawKey)).KeyID(); got == want {
		t.Error("a passphrase was used as it is, not derived from")
	}
	for name, text := range map[string]string{
		"empty":          "",
		"commas only":    " , ,",
		"short":          "canary",
		"31 characters":  strings.Repeat("é", 31),
		"second is weak": phraseA + ",canary",
	} {
		_, err := secret.NewKeyring(secret.NewString(text))
		if !errors.Is(err, secret.ErrBadKey) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want ErrBadKey without the text", name, err)
		}
	}
}

func TestKeyringConcurrently(t *testing.T) {
	t.Parallel()
	k := ring(t, phraseA)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				sealed, err := k.Seal([]byte(canary), place)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := k.Open(sealed, place); err != nil || string(got) != canary {
					t.Errorf("Open = %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	k, err := secret.NewKeyring(secret.NewString(phraseA))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("v1:00000000:AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		if plain, err := k.Open(sealed, place); err == nil {
			t.Errorf("Open(%q) = %q", sealed, plain)
		}
	})
}
