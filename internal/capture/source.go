package capture

import _ "embed"

//go:embed capture.go
var source string

// Source returns the files of a module that builds the helper, by their
// slash-separated names.
func Source() map[string]string {
	return map[string]string{
		"go.mod":             "module helper\n\ngo 1.21\n",
		"main.go":            "package main\n\nimport (\n\t\"os\"\n\n\t\"helper/capture\"\n)\n\nfunc main() { os.Exit(capture.Main(os.Args)) }\n",
		"capture/capture.go": source,
	}
}
