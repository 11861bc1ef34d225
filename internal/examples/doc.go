// Package examples reads what a document has for the reader to copy, so that a
// test can do the same: docs/examples and the README's quick start are run as
// they are written.
//
// A fenced block of such a document is one of these:
//
//   - a file: the paragraph before it is nothing but its name in backquotes;
//   - what a step prints: the paragraph before it is "Step `name` prints:", or
//     "Step `name` prints, in one job each:" for a matrix, a line for each job;
//   - console: lines that begin with "$ " are commands, the others what they
//     print on standard output;
//   - sh: commands that install gorun or make its image, of this checkout in
//     the tests; the examples have none.
//
// Anything else is an error: a block that nobody tries is not to be trusted.
package examples
