// Package acttest runs gorun's action the way GitHub would, in two ways that
// know nothing of each other:
//
//   - Act drives nektos/act, a second implementation of the runner, over whole
//     workflows. testenv builds act from the module proxy and keeps it.
//   - Step is a port of the one `docker run` line with which GitHub's own
//     runner starts a container action (actions/runner,
//     src/Runner.Worker/Handlers/ContainerActionHandler.cs and
//     src/Runner.Worker/Container/DockerCommandManager.cs).
//
// Both need an engine and its docker command. What else they need is made
// here: images come from Go programs and from this machine's own bash and
// coreutils, so there is nothing to pull.
package acttest
