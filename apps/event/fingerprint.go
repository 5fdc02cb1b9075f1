package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
)

// Fingerprint derives an alert's identity from its name and labels: the first 16 hex characters of a SHA-256 over the name
// and the label pairs sorted by key, each length-prefixed. Label order does not matter, any other change does.
func Fingerprint(name string, labels map[string]string) string {
	h := sha256.New()
	write(h, name)
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		write(h, k)
		write(h, labels[k])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// GroupKey derives the key of the incident that a newly firing alert belongs to, as 64 hex characters: SHA-256 over the
// length-prefixed parts, by default (name, instance).
func GroupKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		write(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func write(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	h.Write([]byte(s))
}
