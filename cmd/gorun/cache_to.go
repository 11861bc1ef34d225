package main

import "github.com/org/gorun-action/internal/shared"

// cacheTrusted is readwrite for a release or a tag, too.
const cacheTrusted = "trusted"

// cacheTo is the value of --cache-to: stores in the order in which they are
// asked.
type cacheTo struct {
	stores []shared.Place
	// optional says that nobody asked for them: one that is not to be had is no
	// matter.
	optional bool
}

const cacheToSyntax = shared.PlaceSyntax + ", or none"

// set takes a whole list. A directory counts from where gorun was started,
// whatever -C says.
func (c *cacheTo) set(value string) error {
	if value == "none" {
		*c = cacheTo{}
		return nil
	}
	stores, err := shared.ParsePlaces(value)
	if err == nil {
		*c = cacheTo{stores: stores}
	}
	return err
}
