package oci

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxTag is how long a tag may be (OCI distribution specification, "Pulling
// manifests"): [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}.
const maxTag = 128

// newestTag begins the tags that move.
const newestTag = "newest_"

// keyTag is the tag of a key, which begins as the key does where it can: rules
// on retention go by that.
func keyTag(key string) string {
	if len(key) <= maxTag && key[0] != '-' {
		return key
	}
	if key[0] == '-' {
		return shortened("_"+key, key)
	}
	return shortened(key, key)
}

// prefixTag is the tag that leads to the newest blob of a prefix.
func prefixTag(prefix string) string {
	if tag := newestTag + prefix; len(tag) <= maxTag {
		return tag
	}
	return shortened(newestTag+prefix, prefix)
}

// shortened replaces the end of text, or adds to it, by a hash of whole.
func shortened(text, whole string) string {
	sum := sha256.Sum256([]byte(whole))
	end := "_" + hex.EncodeToString(sum[:])
	return text[:min(len(text), maxTag-len(end))] + end
}

// mayBegin reports whether the key of a tag may begin with prefix. Where the
// tag has all of the key, it knows.
func mayBegin(tag, prefix string) bool {
	switch {
	case strings.HasPrefix(tag, newestTag):
		return false
	case strings.Contains(tag, "_"):
		return true
	}
	return strings.HasPrefix(tag, prefix)
}
