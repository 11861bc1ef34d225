//go:build !linux

package main

func noexec(string) bool { return false }
