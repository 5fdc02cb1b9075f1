// Package host holds the checks of the machine that the hub runs on, a file each. All of them look through internal/platform/host.
package host
