package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	keySize       = 32 // AES-256
	minPassphrase = 32 // characters
	// These two tie derived values to their use. Changing one makes every stored secret unreadable.
	infoPassphrase = "incidenthub secret key v1"
	infoKeyID      = "incidenthub key id v1"
)

// ErrBadKey is returned for key text that is neither 32 bytes in hex or base64 nor a passphrase long enough.
var ErrBadKey = errors.New("want 32 bytes as hex (64 digits) or base64 (44 characters), or a passphrase of at least 32 characters")

// parseKeys reads the comma separated list of HUB_SECRET_KEY. Errors name the position, never the text.
func parseKeys(list string) ([][]byte, error) {
	var keys [][]byte
	for i, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		key, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key in it: %w", ErrBadKey)
	}
	return keys, nil
}

// parseKey takes 64 hex digits, else base64 of exactly 32 bytes (either alphabet, padding optional), else a passphrase,
// from which HKDF-SHA256 makes the key. HKDF does not slow down guessing, hence the length asked for.
func parseKey(text string) ([]byte, error) {
	if len(text) == 2*keySize {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if key, err := base64.RawStdEncoding.Strict().DecodeString(plain); err == nil && len(key) == keySize {
		return key, nil
	}
	if utf8.RuneCountInString(text) < minPassphrase {
		return nil, ErrBadKey
	}
	return hkdf.Key(sha256.New, []byte(text), nil, infoPassphrase, keySize)
}

// keyID names a key without giving it away: 8 hex digits derived from it.
func keyID(key []byte) (string, error) {
	b, err := hkdf.Key(sha256.New, key, nil, infoKeyID, 4)
	if err != nil {
		return "", fmt.Errorf("derive key id: %w", err)
	}
	return hex.EncodeToString(b), nil
}
