package main

import (
	"errors"
	"path/filepath"
	"strings"
)

// The kinds of shared stores.
const (
	inDirectory = "dir"
	inActions   = "actions"
	inRegistry  = "oci"
)

// cacheTrusted is readwrite for a release or a tag, too.
const cacheTrusted = "trusted"

// storeName is one shared store of --cache-to.
type storeName struct{ kind, place string }

// String is how --cache-to has it.
func (s storeName) String() string {
	if s.place == "" {
		return s.kind
	}
	return s.kind + ":" + s.place
}

// cacheTo is the value of --cache-to: stores in the order in which they are
// asked.
type cacheTo struct {
	stores []storeName
	// optional says that nobody asked for them: one that is not to be had is no
	// matter.
	optional bool
}

const cacheToSyntax = "dir:path, actions or oci:host/repository, several with commas between them, or none"

// set takes a whole list. A directory counts from where gorun was started,
// whatever -C says.
func (c *cacheTo) set(value string) error {
	var to cacheTo
	if value != "none" {
		for word := range strings.SplitSeq(value, ",") {
			s, err := parseStore(strings.TrimSpace(word))
			if err != nil {
				return err
			}
			to.stores = append(to.stores, s)
		}
	}
	*c = to
	return nil
}

func parseStore(word string) (storeName, error) {
	kind, place, _ := strings.Cut(word, ":")
	switch {
	case word == inActions:
		return storeName{kind: kind}, nil
	case kind == inRegistry && place != "":
		return storeName{kind, place}, nil
	case kind == inDirectory && place != "":
		abs, err := filepath.Abs(place)
		return storeName{kind, abs}, err
	}
	return storeName{}, errors.New("write it as " + cacheToSyntax)
}

// has reports whether a kind of store is among them.
func (c cacheTo) has(kind string) bool {
	for _, s := range c.stores {
		if s.kind == kind {
			return true
		}
	}
	return false
}
