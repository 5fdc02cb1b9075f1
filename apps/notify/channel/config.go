package channel

import (
	"encoding/json"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// ErrConfig is wrapped by every complaint about a channel's settings; the text says which key and what to do.
var ErrConfig = settings.ErrConfig

// KeyError is one complaint about one setting. It wraps ErrConfig.
type KeyError = settings.KeyError

// Bad returns a KeyError.
func Bad(key, format string, args ...any) error { return settings.Bad(key, format, args...) }

// KeyErrors returns every KeyError that err is, wraps or joins.
func KeyErrors(err error) []*KeyError { return settings.KeyErrors(err) }

// Decode reads settings into a flat struct, strictly. Every complaint is a KeyError; all are joined.
func Decode(config json.RawMessage, into any) error { return settings.Decode(config, into) }

// LooksSecret reports whether something of that name most likely holds a secret.
func LooksSecret(name string) bool { return settings.LooksSecret(name) }

// Encode writes v as JSON that is inert wherever it is shown. Any JSON reader gets the same text back, but for NUL.
func Encode(v any) ([]byte, error) { return settings.Encode(v) }

// Document renders v as a JSON body that is sent in one piece.
func Document(v any) (Rendered, error) {
	body, err := Encode(v)
	return Rendered{Body: body, Parts: 1}, err
}
