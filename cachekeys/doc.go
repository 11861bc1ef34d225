// Package cachekeys finds the local inputs of a build in pure Go, and makes
// keys of them: no network, no clock, no environment of its own; all of it
// comes in with a [Request] and an [Index].
//
// # Keys
//
// A key names a result. The same inputs have the same key on every machine,
// and other inputs have another one. Keys have lower-case letters, digits,
// dots and hyphens, and fewer than 512 of them; there are no names and no
// secrets in them, only hashes.
//
//	executable key = "x" format "-" target "-" program "-" configuration "-" whole
//	build key      = "b" format "-" target "-" toolchain "-" settings "-" modules "-" whole
//
//	format         the number of this grammar, and of what counts as an input: "1"
//	target         os "." arch, with every other letter than a-z and 0-9 as "."
//	program        12 digits: the directories and the package argument
//	configuration  12 digits: toolchain, target, directories, flags, variables, C compiler
//	toolchain      12 digits: what compiles
//	settings       12 digits: flags, variables, C compiler
//	modules        12 digits: go.mod, go.sum, go.work and the like
//	whole          64 digits: all inputs
//
// Digits are hexadecimal, the first ones of a SHA-256 over inputs in their
// order: kind, name and value, each ended by two NULs. Equality rests on whole
// alone. The other parts lead to entries that are near: those of the same
// program ([Closure.ProgramPrefix]), and builds with the same go.sum and flags
// ([Closure.BuildPrefixes]).
//
//	x2-linux.amd64-c67359e83a61-f406fff06b27-f5b37658987c1f59fd8473e162476760c4df96c508222123b64c5fadd19a03e5
//	b2-linux.amd64-1cb6d883bcf9-124f71e07f3d-2bb09fbdf603-f5b37658987c1f59fd8473e162476760c4df96c508222123b64c5fadd19a03e5
//
// Where nothing sure can be said there is no executable key, and
// [Closure.Reasons] says why.
//
// # How sure is it
//
// The closure follows imports and embeds over the union of all build
// constraints, so that more files count than the build reads. The go command
// has the last word: an executable is kept only when every local file that
// `go list -deps` names is an input ([Closure.Check]), and when nothing has
// changed from before the key was made until after the build ([Index.Changed]).
// Directories that only modules of the module cache lead to are learned that
// way ([Index.SetExtras]). What go.sum pins, and GOROOT of a release, is not
// looked at.
//
// # Where to look
//
// index.go: what is remembered of files. closure.go: the walk. config.go,
// env.go, compiler.go: what is no source. modules.go, embed.go, cfiles.go: what
// sources lead to. scan.go: what is read of a source. key.go:
// keys. memo.go: the warm path. check.go: the go command's word. about.go,
// differences.go: why a key missed.
package cachekeys
