//go:build !linux

package lib

const system = "other 10"
