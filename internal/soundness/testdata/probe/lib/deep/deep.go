// Package deep is imported by lib only.
package deep

// Text shows in the program.
const Text = "deep 10"
