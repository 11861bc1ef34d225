//go:build !linux

package runas

import "errors"

// Give is for the images, which are Linux.
func (u User) Give(string, bool) error { return errors.ErrUnsupported }

// NoNewPrivileges is Linux's.
func NoNewPrivileges() error { return errors.ErrUnsupported }
