package web

import "embed"

//go:embed templates static samples payloads
var files embed.FS
