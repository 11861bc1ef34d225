// Package githubactions is how gorun talks to the runner of GitHub Actions:
// commands in its output, and the files that the runner reads after the step.
//
// # The stream
//
// The runner reads the output of a step line by line and obeys two kinds of
// commands: "::name key=value::data" after any white space at the start of a
// line, and "##[name key=value]data" anywhere in one. A carriage return alone
// ends a line, too. Whatever a program prints could thus set an output, hide a
// word or fail the step. Therefore all that gorun prints goes through one
// [Stream], which switches the parsing off but for its own commands:
//
//	::add-mask::s3cret                       masks, before anything else
//	::stop-commands::6f1c…                   the fence is closed: nothing is parsed
//	{"event":"output","line":"::error::no"}  log records, the program's output
//	::6f1c…::                                the fence is opened with its token
//	::error file=main.go,line=3::undefined   commands of ours
//	::stop-commands::6f1c…                   and closed again
//	{"event":"result",…}
//	::6f1c…::                                Close
//
// The token is random, new in each run and never handed to the program. What
// else the fence stands on:
//
//   - One stream. The runner drains standard error before standard output in
//     each batch, so a fence in one of them says nothing about the other's order.
//     Nothing but the Stream may write to the standard output of gorun, and
//     nothing at all may write to its standard error; the program gets pipes.
//   - The first bytes are ours. The runner takes a byte order mark there for the
//     encoding of all that follows (.NET's StreamReader).
//   - The program cannot read gorun's memory or its descriptors
//     (/proc/PID/mem, /proc/PID/fd): whoever keeps the runner's secrets from the
//     program keeps the token from it, too.
//   - Problem matchers go on while parsing is off. The fence is no protection
//     against them: the program's lines can become annotations by a matcher that
//     the workflow has set up.
//   - The log's page paints lines that begin with "##[error]", "##[group]" and the
//     like, whether they were commands or not. That is paint: nothing is annotated
//     or set. Log records begin with a brace and are not painted.
//
// # The files
//
// An [Entry] of GITHUB_OUTPUT, GITHUB_ENV or GITHUB_STATE is written as
//
//	name<<ghadelimiter_0b7e…
//	value
//	ghadelimiter_0b7e…
//
// with a delimiter that is random for each entry. See [Files] for what happens
// to what a program left there before.
package githubactions
