package entry

import (
	"fmt"
	"slices"
	"strings"
)

// Origin is the run that wrote an entry or reads one, as GITHUB_REPOSITORY,
// GITHUB_REF and GITHUB_EVENT_NAME have it. All are empty outside of GitHub.
type Origin struct {
	Repository string `json:"repository,omitempty"`
	Ref        string `json:"ref,omitempty"`
	Event      string `json:"event,omitempty"`
}

// Released reports whether a run makes what others will use: a release, or
// anything on a tag. Such a run reads no entry unless it was asked to; that is
// up to the caller.
func (o Origin) Released() bool {
	return o.Event == "release" || strings.HasPrefix(o.Ref, "refs/tags/")
}

// Foreign reports whether a run may have executed what somebody without the
// right to write proposes. Only of a few events it is known that it takes that
// right to start them, and GitHub adds others over time; some of those that
// anybody can start run on the default branch, with its rights: "Events that
// trigger workflows" and "Security hardening for GitHub Actions",
// docs.github.com.
func (o Origin) Foreign() bool {
	writers := []string{"push", "schedule", "workflow_dispatch", "repository_dispatch", "release"}
	return o != Origin{} && !slices.Contains(writers, o.Event) || o.ofPullRequest()
}

func (o Origin) ofPullRequest() bool { return strings.HasPrefix(o.Ref, "refs/pull/") }

// Trust decides which entries a run uses.
//
// GitHub's own cache lets a run read what its ref, the base of its pull request
// and the default branch wrote ("Restrictions for accessing a cache",
// docs.github.com, Dependency caching reference). Registries and directories
// have no such rule, so this one is kept everywhere.
type Trust struct {
	// Origin is of the run that reads.
	Origin Origin
	// Key must have signed the entry. nil takes any signer and none.
	Key *VerifyKey
}

// Admits returns nil when the entry of m may be used, and else an error that
// wraps [ErrUntrusted] or [ErrSignature]. It believes m, whose seal [Open] has
// checked.
//
// What a foreign run wrote is for runs of the same pull request only. One that
// was on a branch (pull_request_target, issue_comment, merge_group) wrote for
// nobody: there the ref does not tell one stranger's proposal from another's.
func (t Trust) Admits(m Manifest) error {
	from, to := m.Origin, t.Origin
	switch {
	case from.Repository != "" && to.Repository != "" && from.Repository != to.Repository:
		return fmt.Errorf("%w: it is from %s, and this is %s", ErrUntrusted, from.Repository, to.Repository)
	case from.Foreign() && !(from.ofPullRequest() && from.Ref == to.Ref && from.Repository == to.Repository):
		return fmt.Errorf("%w: it is from %s on %q, and this is %s on %q", ErrUntrusted, event(from), from.Ref, event(to), to.Ref)
	}
	return t.admitsSigner(m.Signer)
}

func event(o Origin) string {
	if o.Event == "" {
		return "a run"
	}
	return o.Event
}

func (t Trust) admitsSigner(signer string) error {
	switch {
	case t.Key == nil || signer == t.Key.String():
		return nil
	case signer == "":
		return fmt.Errorf("%w: it is not signed, and must be signed by key %s", ErrSignature, t.Key.ID())
	}
	other, err := parsePublic(signer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return fmt.Errorf("%w: it is signed by another key, %s and not %s", ErrSignature, other.ID(), t.Key.ID())
}
