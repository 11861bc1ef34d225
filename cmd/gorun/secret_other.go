//go:build !linux

package main

// hideCredentials takes the runner's credentials out of the environment of
// children. Container actions run on Linux only.
func hideCredentials() error {
	unsetCredentials()
	return nil
}
