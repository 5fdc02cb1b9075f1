// Package templates holds the built-in notification texts. apps/notify reads them once at start.
package templates

import "embed"

// FS holds notice/<kind>.tmpl and notice/parts.tmpl.
//
//go:embed notice/*.tmpl
var FS embed.FS
