// Package arrows holds the test that keeps the rooms of the design apart: who
// imports whom, and where each third-party library lives.
package arrows
