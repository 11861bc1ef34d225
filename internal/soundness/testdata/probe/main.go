// Command probe has one input of every kind that a Go program can have.
package main

import (
	"embed"
	"fmt"

	"MODULE/zz_probe/lib"
)

//go:embed static/*.txt
var static embed.FS

//go:embed all:tree
var tree embed.FS

//go:embed one.txt
var one string

func main() {
	a, _ := static.ReadFile("static/a.txt")
	b, _ := tree.ReadFile("tree/x/.hidden")
	lib.Live(fmt.Sprintln(lib.Answer(), lib.Asm(), one, string(a), string(b), use()))
}
