// Shared needs another module, and the part of the standard library that this
// one needs.
package main

import (
	"fmt"

	"github.com/google/go-cmp/cmp"
)

const name = "one"

func main() {
	fmt.Println(name, cmp.Equal([]string{name}, []string{name}))
}
