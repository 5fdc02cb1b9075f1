package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
)

// tokenDigits is how many base62 digits hold 256 bits.
const tokenDigits = 43

// NewToken makes a credential of 256 random bits. raw is "<prefix>_" and 43 letters and digits, or these alone when prefix
// is empty; it is shown to its owner once. hash is what is stored and looked up: HashToken(raw). The prefix tells people
// and secret scanners what they have found; it adds no secrecy.
func NewToken(prefix string) (raw, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program rather than return weak bytes
	digits := new(big.Int).SetBytes(b[:]).Text(62)
	raw = strings.Repeat("0", tokenDigits-len(digits)) + digits
	if prefix != "" {
		raw = prefix + "_" + raw
	}
	return raw, HashToken(raw)
}

// HashToken returns the SHA-256 of a token in hex, 64 characters. That is enough for tokens of NewToken, which cannot be
// guessed; passwords people choose need argon2id instead.
func HashToken(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:])
}

// MAC returns the HMAC-SHA256, 32 bytes, of the parts one after the other ("<timestamp>", ".", body). Compare with
// hmac.Equal.
func MAC(key String, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
