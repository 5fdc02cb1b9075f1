// Package templates holds the built-in notification texts. apps/notify reads notice/ once at start, apps/notify/texts the others when
// the first channel needs them.
package templates

import "embed"

// FS holds notice/<kind>.{title,text}.j2, notice/part.<name>.j2, and <driver>/<event>.<part>.j2.
//
//go:embed */*.j2
var FS embed.FS

// Notice is the folder of the texts that all channels start from. Its variables are others than those of the channels' own templates.
const Notice = "notice"
