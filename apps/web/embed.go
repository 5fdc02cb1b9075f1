package web

import "embed"

//go:embed templates static samples
var files embed.FS
