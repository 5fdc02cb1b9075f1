package secret_test

import (
	"encoding/hex"
	"regexp"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

func TestNewToken(t *testing.T) {
	t.Parallel()
	for prefix, form := range map[string]*regexp.Regexp{
		"ih": regexp.MustCompile(`^ih_[0-9A-Za-z]{43}$`),
		"":   regexp.MustCompile(`^[0-9A-Za-z]{43}$`),
	} {
		seen := map[string]bool{}
		for range 1000 {
			raw, hash := secret.NewToken(prefix)
			if !form.MatchString(raw) || seen[raw] {
				t.Fatalf("NewToken(%q) = %q: wrong form or seen before", prefix, raw)
			}
			seen[raw] = true
			if hash != secret.HashToken(raw) || len(hash) != 64 {
				t.Fatalf("hash %q of %q is not HashToken's", hash, raw)
			}
		}
	}
}

func TestHashToken(t *testing.T) {
	t.Parallel()
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, "abc"
	if got := secret.HashToken("abc"); got != want {
		t.Errorf("HashToken = %s, want %s", got, want)
	}
}

// TestMAC uses RFC 4231, test case 2.
func TestMAC(t *testing.T) {
	t.Parallel()
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	key := secret.NewString("Jefe")
	for name, parts := range map[string][][]byte{
		"whole":    {[]byte("what do ya want for nothing?")},
		"in parts": {[]byte("what do ya"), nil, []byte(" want for nothing?")},
	} {
		if got := hex.EncodeToString(secret.MAC(key, parts...)); got != want {
			t.Errorf("%s: MAC = %s, want %s", name, got, want)
		}
	}
}
