package githubactions_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// attack is output of a program that tries to act as a command.
type attack struct {
	family, output string
}

// names are the commands of the runner, and names that a program may hope for.
var names = []string{
	"set-env name=PATH", "set-output name=exit-code", "save-state name=a", "add-path", "add-mask", "add-matcher",
	"remove-matcher owner=go", "debug", "warning file=a.go,line=1", "error file=a.go,line=1", "notice title=t",
	"group", "endgroup", "echo", "stop-commands", "internal-set-repo-path repoFullName=a/b", "pause-logging", "workflow",
}

// spaces are what .NET and Unicode call white space, and what looks like it.
const spaces = "\t\v\f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000" +
	"\u180e\u2800\u3164\u115f"

// weightless are characters that count for nothing in a comparison by the
// rules of a culture.
const weightless = "\x00\x01\x08\x0e\x1b\x1f\x7f\u0080\u009f\u00ad\u034f\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064\ufe00\ufe0f\ufeff\ufff9"

// attacks returns the corpus. The token is that of the stream: the program does
// not know it, but may guess.
func attacks(token string) []attack {
	var all []attack
	add := func(family string, outputs ...string) {
		for _, output := range outputs {
			all = append(all, attack{family, output})
		}
	}
	for _, name := range names {
		add("names", "::"+name+"::data\n", "##["+strings.ReplaceAll(name, ",", ";")+"]data\n")
	}
	for _, c := range spaces {
		add("white space", string(c)+"::error::x\n", "::error"+string(c)+"file=a.go::x\n", "##["+string(c)+"error]x\n")
	}
	for _, c := range weightless {
		add("weightless", string(c)+"::error::x\n", ":"+string(c)+":error::x\n", "::error:"+string(c)+":x\n",
			"#"+string(c)+"#[error]x\n", "##"+string(c)+"[error"+string(c)+"]x\n")
	}
	for _, end := range []string{"\r", "\n", "\r\n", "\n\r", "\r\r", "\v", "\f", "\x1c", "\u0085", "\u2028", "\u2029", "\x00\n", "\\n", "%0A", "\b"} {
		add("line ends", "50%"+end+"::error::x"+end+"100%\n", "a"+end+"##[error]x"+end, end+"::add-mask::a"+end+end)
	}
	add("case", caseVariants("error")...)
	add("case", caseVariants("set-output name=a")...)
	add("case", "::STOP-COMMANDS::x\n", "##[Stop-Commands]x\n", "::\u017ftop-commands::x\n", "::ec\u212ao::on\n")
	add("in a line", inALine("##[error]x")...)
	add("in a line", inALine("##[set-output name=exit-code]0")...)
	add("in a line", inALine("::error::x")...)
	for i := range len("::error::x") {
		add("cut", "::error::x"[:i+1])
	}
	for i := range len("##[error]x") {
		add("cut", "##[error]x"[:i+1])
	}
	add("tokens", guesses(token)...)
	add("stopping", stopping(token)...)
	add("nested", nested()...)
	add("long", long()...)
	add("encodings", encodings()...)
	return all
}

func caseVariants(name string) []string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return []string{
		"::" + strings.ToUpper(name) + "::x\n", "::" + title + "::x\n", "##[" + strings.ToUpper(name) + "]x\n", "##[" + title + "]x\n",
	}
}

// inALine hides a command where other text is.
func inALine(command string) []string {
	quoted, _ := json.Marshal(map[string]string{"line": command})
	return []string{
		"text " + command + "\n",
		string(quoted) + "\n",
		`{"time":"2026-01-01T00:00:00Z","level":"info","event":"output","line":"` + command + "\"}\n",
		"\x1b[31m" + command + "\x1b[0m\n",
		"main.go:3:4: " + command + "\n",
		"panic: " + command + "\n\ngoroutine 1 [running]:\n",
		"<!-- " + command + " -->\n",
		"2026/01/01 00:00:00 " + command + "\n",
		"- " + command + "\n",
		strings.Repeat(command, 3) + "\n",
		command + "\n" + command + "\n",
		"\n\n\n" + command + "\n\n",
		"\t" + command + "\t\n",
		"'" + command + "'\n",
		"::notice::" + command + "\n",
	}
}

// guesses are tries to end the fence with something like its token.
func guesses(token string) []string {
	flipped := string(token[0]^1) + token[1:]
	words := []string{
		"", " ", "*", "***", "token", "gorun", "TOKEN", "0", strings.Repeat("0", len(token)), "%s", "${TOKEN}", "null", "undefined",
		token[1:], token[:len(token)-1], token + "0", "0" + token, flipped, strings.ToUpper(flipped), token[:32],
		token[:32] + " " + token[32:], token[:32] + "::" + token[32:], token[:32] + "\x00" + token[32:],
		token[:32] + "\n" + token[32:], token[:32] + "\u200d" + token[32:], token[:32] + "%0A" + token[32:], "\u00a0" + token, token + "\u00a0",
		token + "\u200b", "\u200b" + token, base64.StdEncoding.EncodeToString([]byte(token)), "%" + token, token + "%", "[" + token, ":" + token,
	}
	var outputs []string
	for _, w := range words {
		outputs = append(outputs, "::"+w+"::\n::error::x\n", "##["+w+"]\n##[error]x\n")
	}
	return outputs
}

// stopping are tries to play with stop-commands itself.
func stopping(token string) []string {
	return []string{
		"::stop-commands::mine\n::mine::\n::error::x\n",
		"##[stop-commands]mine\n##[mine]\n##[error]x\n",
		"::stop-commands::\n::::\n::error::x\n",
		"::stop-commands::error\n::error::x\n",
		"::stop-commands::stop-commands\n::stop-commands::x\n",
		"::stop-commands::pause-logging\n::pause-logging::\n::error::x\n",
		"::stop-commands::" + token[1:] + "\n::" + token[1:] + "::\n::error::x\n",
		"::stop-commands::a\n::stop-commands::b\n::b::\n::a::\n::error::x\n",
		"::stop-commands token=mine::mine\n::mine::\n::error::x\n",
		"::stop-commands::mine%0A\n::mine::\n::error::x\n",
		"x::stop-commands::mine\n::mine::\n::error::x\n",
		"::resume-commands::\n::error::x\n",
		"::start-commands::\n::error::x\n",
		"::stop-commands::mine",
		"##[stop-commands]mine",
		"::stop-commands::",
		"::echo::on\n::stop-commands::mine\n",
		"::group::a\n::stop-commands::mine\n::endgroup::\n::mine::\n::error::x\n",
	}
}

func nested() []string {
	return []string{
		"::error::##[error]x\n", "##[error]::error::x\n", "::x::##[error]x\n", "::group::::error::x\n", "##[##[error]x\n",
		"##[x]##[error]x\n", "::::error::x\n", ":::error::x\n", "::error:::x\n", "::error::::x\n", ":: ::error::x\n",
		"::error ::error::x\n", "::error file=::error::x\n", "##[error ##[error]x]\n", "##[[error]x\n", "[[##[error]]x\n",
		"::%65rror::x\n", "%3A%3Aerror%3A%3Ax\n", "%23%23[error]x\n", "\\u003a\\u003aerror::x\n", "&#58;&#58;error::x\n", "\\::error::x\n",
		"::error::a%0A::error::b\n", "::error::a%0D%0A##[error]b\n", "##[error]a%0A##[error]b\n", "##[error%5D]x\n",
		"::add-mask::%0A\n", "::add-mask::\n", "::add-mask:: \n", "::set-output name=a::b\n::set-output name=A::c\n",
		"::set-env name=NODE_OPTIONS::--require=/tmp/x\n", "::add-path::/github/workspace/bin\n",
		"::set-env name=ACTIONS_ALLOW_UNSECURE_COMMANDS::true\n::set-env name=PATH::/tmp\n",
		"::add-matcher::/tmp/matcher.json\n", "::remove-matcher owner=go::\n", "::save-state name=isPost::true\n", "::debug::\n", "::echo::off\n",
	}
}

func long() []string {
	outputs := []string{strings.Repeat("a", 1<<18) + "##[error]x\n", strings.Repeat("::error::", 1000) + "\n", strings.Repeat("##[error]", 1000) + "\n"}
	for _, n := range []int{4095, 4096, 65536} {
		outputs = append(outputs,
			strings.Repeat("a", n)+"##[error]x\n",
			strings.Repeat(" ", n)+"::error::x\n",
			strings.Repeat("\r", n)+"::error::x")
	}
	return outputs
}

// encodings begin with byte order marks or hold bytes that are no UTF-8.
func encodings() []string {
	var outputs []string
	for _, mark := range []string{"\xef\xbb\xbf\xef\xbb\xbf", "\xff\xfe", "\xfe\xff", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff", "\x2b\x2f\x76\x38", "\x0e\xfe\xff"} {
		outputs = append(outputs, mark+"::error::x\n", "\n"+mark+"##[error]x\n")
	}
	wide := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	outputs = append(outputs, "\xff\xfe"+wide("::error::x\n"), wide("::error::x\n"))
	for _, bad := range []string{"\x80", "\xc0\xaf", "\xe2", "\xe2\x80", "\xf0\x9f\x98", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "\xff"} {
		outputs = append(outputs, bad+"::error::x\n", bad+"\n::error::x"+bad, "::error"+bad+"::x\n", "##[error"+bad+"]x\n", bad+"##[error]x\n")
	}
	return append(outputs, "\xc0\xba\xc0\xba"+"error::x\n", "\uff1a\uff1aerror::x\n", "\ufe55\ufe55error::x\n", "\u2237error::x\n", "\uff03\uff03[error]x\n")
}

func TestCorpusIsLargeAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	families := map[string]int{}
	for _, a := range attacks(strings.Repeat("5e", 32)) {
		if seen[a.output] {
			t.Errorf("%s: %.60q is there twice", a.family, a.output)
		}
		seen[a.output] = true
		families[a.family]++
	}
	if len(seen) < 300 {
		t.Errorf("%d cases", len(seen))
	}
	t.Log(len(seen), fmt.Sprint(families))
}
