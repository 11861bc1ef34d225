package githubactions

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/buildflags"
)

// with makes the environment of a step from "name: value" lines.
func with(inputs ...string) (environ []string) {
	for _, i := range inputs {
		name, value, _ := strings.Cut(i, ": ")
		environ = append(environ, variable(name)+"="+value)
	}
	return append(environ, "HOME=/github/home", "INPUT_ARGS_OF_NOBODY=")
}

func own() []buildflags.Own {
	return []buildflags.Own{
		{Name: "explain", Bool: true, Set: func(string) error { return nil }},
		{Name: "timeout", Set: func(v string) error {
			if v == "soon" {
				return errors.New("write it as 90s")
			}
			return nil
		}},
	}
}

func TestReadInputs(t *testing.T) {
	for _, test := range []struct{ with, want []string }{
		{nil, []string{"--log-format=json", "--output=json", "."}},
		{[]string{"package: ./cmd/api", "args: a 'b c'"}, []string{"--log-format=json", "--output=json", "./cmd/api", "--", "a", "b c"}},
		{[]string{"package: main.go util.go", `args: ["-x", "--", ""]`}, []string{"--log-format=json", "--output=json", "main.go", "util.go", "--", "-x", "--", ""}},
		{[]string{"log-format: text"}, []string{"--log-format=text", "."}},
		{[]string{"workflow-commands: true"}, []string{"--log-format=json", "."}},
		{[]string{"workflow-commands: true", "output: raw"}, []string{"--log-format=json", "--output=raw", "."}},
		{[]string{"build-flags: -race -tags e2e --explain -ldflags='-s -w'"}, []string{"--log-format=json", "--output=json", "-race", "-tags", "e2e", "--explain", "-ldflags=-s -w", "."}},
		{[]string{"build-flags: -race\n-ldflags=-s -w\n", "exec: qemu-arm64 -L /x"}, []string{"--log-format=json", "--output=json", "-race", "-ldflags=-s -w", "-exec=qemu-arm64 -L /x", "."}},
		{[]string{"working-directory: cmd", "cache: read", "cache-to: dir:/x", "timeout:  5m "}, []string{"--timeout=5m", "--log-format=json", "--output=json", "--cache-mode=read", "--cache-to=dir:/x", "-C=cmd", "."}},
		{[]string{"toolchain-image: golang@sha256:0"}, []string{"--toolchain-image=golang@sha256:0", "--log-format=json", "--output=json", "--builder=docker", "."}},
		{[]string{"reproducible: true", "verify-build: false", "fail-on: none", "go-version: 1.26"}, []string{"--go-version=1.26", "--log-format=json", "--output=json", "--reproducible=true", "--fail-on=none", "."}},
		{[]string{"package: example.com/tool@v1.2.3"}, []string{"--log-format=json", "--output=json", "example.com/tool@v1.2.3"}},
	} {
		in, err := ReadInputs(with(test.with...), own())
		if err != nil || !slices.Equal(in.Args, test.want) {
			t.Errorf("%q:\n%q, %v\nwant %q", test.with, in.Args, err, test.want)
		}
	}
}

func TestInputsBesidesTheCommandLine(t *testing.T) {
	in, err := ReadInputs(with("env: A=1\nMY_TOKEN=s3cr3t=\nPASSWORD=abc\nB=x y\n", "stdin:  two\nlines \n", "summary: false", "workflow-commands: TRUE"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"A=1", "MY_TOKEN=s3cr3t=", "PASSWORD=abc", "B=x y"}; !slices.Equal(in.Env, want) {
		t.Errorf("env %q", in.Env)
	}
	if want := []string{"s3cr3t="}; !slices.Equal(in.Secrets(), want) {
		t.Errorf("secrets %q", in.Secrets())
	}
	got := []any{in.Stdin, in.Summary, in.Annotations, in.WorkflowCommands}
	if want := []any{" two\nlines \n", false, true, true}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

// TestReadInputsRefuses also shows that a value of env never gets into an error.
func TestReadInputsRefuses(t *testing.T) {
	for _, test := range []struct {
		with []string
		says string
	}{
		{[]string{"pakage: ."}, `there is no input "pakage"`},
		{[]string{"cache: always"}, `input cache: "always": it must be one of readwrite, read, trusted, off`},
		{[]string{"summary: yes"}, `input summary: "yes": it is neither true nor false`},
		{[]string{"timeout: soon"}, `input timeout: "soon": write it as 90s`},
		{[]string{"args: $HOME"}, "input args: "},
		{[]string{"args: [a]"}, "not a JSON array of strings"},
		{[]string{"env: A=1 hunter2"}, "input env: entry 2 has no NAME="},
		{[]string{"env: =hunter2"}, "input env: entry 1 has no NAME="},
		{[]string{"env: 'hunter2"}, "input env: as shell words"},
		{[]string{"build-flags: -race ./cmd"}, `input build-flags: "./cmd" is not a flag`},
		{[]string{"build-flags: -race --"}, `input build-flags: "--" is not a flag`},
		{[]string{"build-flags: -tags"}, "input build-flags: flag needs an argument: -tags"},
		{[]string{"build-flags: -nosuch"}, "input build-flags: flag provided but not defined: -nosuch"},
		{[]string{"build-flags: -race\n-tags e2e"}, `input build-flags: "-tags e2e" is one word with a blank in its name`},
		{[]string{"package: ./a ./b"}, "several packages"},
		{[]string{"package: -race"}, `input package: "-race" is a flag`},
		{[]string{"package: []"}, "input package names none"},
		{[]string{"log-format: text", "output: json"}, "output: json makes log records"},
		{[]string{"workflow-commands: true", "output: json"}, "cannot act as workflow-commands"},
		{[]string{"toolchain-image: x@sha256:0", "go-version: 1.26"}, "both choose the toolchain"},
		{[]string{"toolchain-image: x@sha256:0", "builder: host"}, "no meaning with builder: host"},
		{[]string{"cache: off", "cache-to: dir:/x"}, "cache-to names a store"},
	} {
		_, err := ReadInputs(with(test.with...), own())
		var usage *buildflags.UsageError
		if !errors.As(err, &usage) || !strings.Contains(usage.Message, test.says) || usage.Hint == "" {
			t.Errorf("%q: %v, want a usage error with a hint that says %q", test.with, err, test.says)
		} else if strings.Contains(usage.Message+usage.Hint, "hunter2") {
			t.Errorf("%q: the error has the value: %v", test.with, err)
		}
	}
}
