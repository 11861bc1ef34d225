// Package lib varies with tags and systems.
package lib

import "MODULE/zz_probe/lib/deep"

// Answer is a text that every input of this package shows in.
func Answer() string { return "answer 10 " + system + tag + deep.Text }
