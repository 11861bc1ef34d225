//go:build probe

package lib

const tag = "tagged 10"
