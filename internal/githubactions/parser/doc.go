// Package parser is a port of what reads a step's output and files, for tests:
// what gorun writes must mean to a runner what gorun means by it, and nothing
// that a program writes may mean anything.
//
// There are two runners, and each is taken from its source:
//
//   - GitHub's (actions/runner): ProcessInvoker.cs and .NET's StreamReader for
//     lines, ActionCommand.cs and ActionCommandManager.cs for commands,
//     FileCommandManager.cs for files. .NET compares the "::" and "##[" of a
//     command by the culture's rules, where some characters weigh nothing; it
//     depends on the machine. [Runner.Culture] does so, too.
//   - act v0.2.89: line_writer.go and command.go, parse_env_file.go. Its
//     package cannot be imported without all of act in go.mod.
//
// Where the two of them or two versions differ, the port takes what is easier
// to inject into: names are compared with [strings.EqualFold], which equates
// more than .NET's OrdinalIgnoreCase.
package parser
