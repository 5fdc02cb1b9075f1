// Package secret keeps what must not be read: String hides a secret in memory from every way of printing it, Keyring
// encrypts what is stored, NewToken makes credentials of which only a hash is stored.
//
// # The key
//
// Load takes the encryption key from HUB_SECRET_KEY, else from the file HUB_SECRET_KEY_FILE, else from secret.key in the
// data folder, which it makes at the first start (0600, written whole or not at all). A key is 32 bytes as 64 hex digits
// or base64, or a passphrase of at least 32 characters, from which HKDF-SHA256 derives the key. Several may be given,
// separated by commas (so a passphrase holds none): the first encrypts, the others only decrypt. Rotation is: put the new
// key in front, re-encrypt what Stale reports, take the old key out.
//
// # The stored form
//
// v1:<key id>:<base64>, where the key id is 8 hex digits derived from the key and the rest is AES-256-GCM with a random
// nonce in front (standard base64, no padding). The place a value belongs to, such as "channels/<id>/config.headers", is
// authenticated with it: a value copied to another row or column does not open. At most 2^32 values should be sealed
// under one key (random 96 bit nonces, NIST SP 800-38D 8.3).
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Prefix begins every sealed value; a CHECK constraint on the column holds it to that.
const Prefix = "v1:"

var (
	// ErrNoKey is returned for a value sealed with a key that the ring does not hold.
	ErrNoKey = errors.New("the key that encrypted the stored secrets is missing")
	// ErrMalformed is returned for text that no Keyring wrote.
	ErrMalformed = errors.New("not a sealed value")
	// ErrTampered is returned for a value that was changed, or moved here from another place.
	ErrTampered = errors.New("sealed value was changed or belongs elsewhere")
)

// Keyring seals and opens stored secrets. It never changes and is safe for concurrent use.
type Keyring struct {
	first string // id of the key that seals
	aeads map[string]cipher.AEAD
}

// NewKeyring returns a ring of the keys in list, in the form of HUB_SECRET_KEY. Errors wrap ErrBadKey.
func NewKeyring(list String) (*Keyring, error) {
	keys, err := parseKeys(list.Reveal())
	if err != nil {
		return nil, err
	}
	ring := &Keyring{aeads: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		id, err := keyID(key)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		if ring.first == "" {
			ring.first = id
		}
		ring.aeads[id] = aead
	}
	return ring, nil
}

// KeyID returns the id of the key that seals.
func (k *Keyring) KeyID() string { return k.first }

// Seal encrypts plain for one place. place is any stable name of where the value lives, the same for Open.
func (k *Keyring) Seal(plain []byte, place string) (string, error) {
	if place == "" {
		return "", errors.New("seal: the place is empty")
	}
	head := Prefix + k.first + ":"
	box := k.aeads[k.first].Seal(nil, nil, plain, []byte(head+place)) //nolint:gosec // G407: it makes its own random nonce
	return head + base64.RawStdEncoding.EncodeToString(box), nil
}

// Open decrypts what Seal made for the same place. Errors wrap ErrMalformed, ErrNoKey or ErrTampered.
func (k *Keyring) Open(sealed, place string) ([]byte, error) {
	id, body, err := split(sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	aead, ok := k.aeads[id]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", place, k.noKey(id))
	}
	box, err := base64.RawStdEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrMalformed)
	}
	plain, err := aead.Open(nil, nil, box, []byte(Prefix+id+":"+place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, ErrTampered)
	}
	return plain, nil
}

// Check reports, without its place, whether sealed is in the stored form and its key is in the ring. The start-up check
// runs it over the stored values, so that a hub without its key says so before it accepts anything.
func (k *Keyring) Check(sealed string) error {
	id, _, err := split(sealed)
	if err != nil {
		return err
	}
	if _, ok := k.aeads[id]; !ok {
		return k.noKey(id)
	}
	return nil
}

// Stale reports whether sealed is to be sealed again after a rotation: its key is not the first of the ring.
func (k *Keyring) Stale(sealed string) bool {
	id, _, err := split(sealed)
	return err == nil && id != k.first
}

func (k *Keyring) noKey(id string) error {
	return fmt.Errorf("%w: key %s is not in HUB_SECRET_KEY, HUB_SECRET_KEY_FILE or %s in the data folder (there: %s); put it back, "+
		"several keys are separated by commas", ErrNoKey, id, FileName, k.first)
}

func split(sealed string) (id, body string, err error) {
	rest, ok := strings.CutPrefix(sealed, Prefix)
	if !ok {
		return "", "", ErrMalformed
	}
	id, body, ok = strings.Cut(rest, ":")
	// base64's decoder skips line breaks, which would give one value many spellings.
	if !ok || len(id) != 8 || strings.Trim(id, "0123456789abcdef") != "" || body == "" || strings.ContainsAny(body, "\r\n") {
		return "", "", ErrMalformed
	}
	return id, body, nil
}
