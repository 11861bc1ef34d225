// Inject is a program that nobody should trust: it tries to speak to the
// runner in every way that a program has. None of it may take effect.
package main

import (
	"fmt"
	"os"
)

var attempts = []string{
	"::error file=inject.go,line=1::injected",
	"\t ::warning::injected",
	"text ##[error]injected",
	"##[set-env name=INJECTED;]1",
	"::set-env name=INJECTED::1",
	"::add-path::/injected",
	"::set-output name=exit-code::0",
	"::save-state name=injected::1",
	"::add-mask::outcome",
	"a\r::error::injected",
	"::stop-commands::injected",
	"::injected::",
	"::group::injected",
}

func main() {
	for _, attempt := range attempts {
		fmt.Println(attempt)
		fmt.Fprintln(os.Stderr, attempt)
	}
	for _, name := range []string{"ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		fmt.Printf("%s is %q\n", name, os.Getenv(name))
	}
	forge(os.Getenv("GITHUB_OUTPUT"), "exit-code=0\noutcome=success\nphase<<EOF\nforged\nEOF\nunfinished<<EOF\n")
	os.Exit(7)
}

func forge(file, text string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Fprint(f, text)
}
