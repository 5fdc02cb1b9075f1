//go:build !linux && !darwin

package cli

import "os"

// isTerminal says no where nobody has taught it to tell: commands then take flags only.
func isTerminal(*os.File) bool { return false }

func hideTyping(*os.File) (show func(), err error) { return nil, errNoTerminal }

func terminalWidth(*os.File) int { return 0 }
