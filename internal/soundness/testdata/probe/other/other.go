// Package other is imported by nobody.
package other

// Text shows in no program.
const Text = "other 10"
