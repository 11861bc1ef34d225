// Package workflows holds the rules for workflow files: those of GitHub, which
// actionlint knows, and our own, which keep a workflow from handing out more
// than it must. Its test holds .github/workflows and the workflows in the
// documents to them.
package workflows
