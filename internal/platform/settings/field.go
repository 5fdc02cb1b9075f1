// Package settings is what plugins with stored settings have in common: what a setting is, and how its secrets are kept apart from it.
package settings

// Field is one setting.
type Field struct {
	Key     string
	Type    Type
	Doc     string
	Default string
	// Enum lists the values that may be given; empty means any.
	Enum []string
	// Secret: the value is kept sealed and never shown. Of a Map only the values are secret whose key looks so.
	Secret bool
	// Destination: the address that the secrets are sent to. When its host changes, secrets must be entered again.
	Destination bool
	// Port makes a Text a host for protocols without URLs: the key of the Number setting that holds the port. The address guard is asked
	// about both before they are stored, and as a Destination they are one place.
	Port string
	// With lists other settings of a host that say how secrets get there, such as the encryption: another value is another place.
	With []string
	// Or is another setting that may be given instead of this required one; "" is none.
	Or string
}

// Type is the JSON type of a setting.
type Type string

// The types of settings.
const (
	Text   Type = "string"
	URL    Type = "url" // a string
	Number Type = "number"
	Bool   Type = "boolean"
	Map    Type = "map" // an object of strings
	// Text that a template engine reads: a string, or {"type": "inline"|"file", "template": "…"}.
	TemplateText Type = "template"
	List         Type = "list" // an array of strings
)
