//go:build !probe

package lib

const tag = "plain 10"
