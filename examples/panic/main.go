// Command panic divides by a number that is zero.
package main

import "fmt"

func main() {
	fmt.Println(share(10, 0))
}

func share(cakes, guests int) int {
	return cakes / guests
}
