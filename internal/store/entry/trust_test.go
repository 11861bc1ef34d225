package entry

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAdmits(t *testing.T) {
	main := Origin{"org/app", "refs/heads/main", "push"}
	pull := Origin{"org/app", "refs/pull/7/merge", "pull_request"}
	for name, test := range map[string]struct {
		from, to Origin
		ok       bool
	}{
		"branch to itself":                    {main, main, true},
		"default branch to a pull request":    {main, pull, true},
		"branch to a tag":                     {main, Origin{"org/app", "refs/tags/v1", "push"}, true},
		"nightly to push":                     {Origin{"org/app", "refs/heads/main", "schedule"}, main, true},
		"pull request to the branch":          {pull, main, false},
		"pull request to a tag":               {pull, Origin{"org/app", "refs/tags/v1", "push"}, false},
		"pull request to a release":           {pull, Origin{"org/app", "refs/tags/v1", "release"}, false},
		"pull request to itself":              {pull, pull, true},
		"pull request to its review":          {pull, Origin{"org/app", "refs/pull/7/merge", "pull_request_review"}, true},
		"pull request to another":             {pull, Origin{"org/app", "refs/pull/8/merge", "pull_request"}, false},
		"pull request to a longer number":     {pull, Origin{"org/app", "refs/pull/7/merge2", "pull_request"}, false},
		"pull request of another repository":  {Origin{"org/other", pull.Ref, pull.Event}, pull, false},
		"pull request of no repository":       {Origin{"", pull.Ref, pull.Event}, pull, false},
		"pull request to a person":            {pull, Origin{}, false},
		"pull ref, whatever the event":        {Origin{"org/app", "refs/pull/7/head", "push"}, main, false},
		"pull_request_target to the branch":   {Origin{"org/app", main.Ref, "pull_request_target"}, main, false},
		"pull_request_target to another one":  {Origin{"org/app", main.Ref, "pull_request_target"}, Origin{"org/app", main.Ref, "pull_request_target"}, false},
		"pull_request_review_comment":         {Origin{"org/app", main.Ref, "pull_request_review_comment"}, main, false},
		"issue_comment to the branch":         {Origin{"org/app", main.Ref, "issue_comment"}, main, false},
		"issue_comment to workflow_run":       {Origin{"org/app", main.Ref, "issue_comment"}, Origin{"org/app", main.Ref, "workflow_run"}, false},
		"check_run to the branch":             {Origin{"org/app", main.Ref, "check_run"}, main, false},
		"status to the branch":                {Origin{"org/app", main.Ref, "status"}, main, false},
		"deployment_status to the branch":     {Origin{"org/app", main.Ref, "deployment_status"}, main, false},
		"merge_group to the branch":           {Origin{"org/app", "refs/heads/gh-readonly-queue/main/pr-7", "merge_group"}, main, false},
		"discussion_comment to the branch":    {Origin{"org/app", main.Ref, "discussion_comment"}, main, false},
		"an event of tomorrow to the branch":  {Origin{"org/app", main.Ref, "pull_request_merged"}, main, false},
		"no event to the branch":              {Origin{"org/app", main.Ref, ""}, main, false},
		"a dispatch to the branch":            {Origin{"org/app", main.Ref, "workflow_dispatch"}, main, true},
		"branch to merge_group":               {main, Origin{"org/app", "refs/heads/gh-readonly-queue/main/pr-7", "merge_group"}, true},
		"branch to workflow_run":              {main, Origin{"org/app", main.Ref, "workflow_run"}, true},
		"another repository":                  {Origin{"org/other", main.Ref, "push"}, main, false},
		"a person to the branch, and back":    {Origin{}, main, true},
		"the branch to a person":              {main, Origin{}, true},
		"a branch that is called like a pull": {Origin{"org/app", "refs/heads/refs/pull/7", "push"}, main, true},
	} {
		err := Trust{Origin: test.to}.Admits(Manifest{Origin: test.from})
		if (err == nil) != test.ok || err != nil && !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReleased(t *testing.T) {
	for origin, want := range map[Origin]bool{
		{"o/a", "refs/tags/v1", "push"}:       true,
		{"o/a", "refs/heads/main", "release"}: true,
		{"o/a", "refs/heads/main", "push"}:    false,
		{"o/a", "refs/heads/tags", ""}:        false,
		{}:                                    false,
	} {
		if origin.Released() != want {
			t.Errorf("%+v: %v", origin, !want)
		}
	}
}

// A caller tells the three kinds of refusal apart, and people read which keys.
func TestSigners(t *testing.T) {
	ours, other := key(t, 1), key(t, 2)
	for name, test := range map[string]struct {
		sign   *SigningKey
		reader *SigningKey
		want   error
	}{
		"nobody needs a key":       {nil, nil, nil},
		"signed, and nobody looks": {other, nil, nil},
		"signed by us":             {ours, ours, nil},
		"not signed":               {nil, ours, ErrSignature},
		"signed by another":        {other, ours, ErrSignature},
	} {
		e := makePack(t, keyA, 1, test.sign)
		_, err := use(e.blob(), wantOf(e.manifest), trust(test.reader))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.want == ErrSignature && test.sign != nil && !strings.Contains(err.Error(), "another key, "+other.Public().ID()+" and not "+ours.Public().ID()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := makePack(t, keyA, 1, ours)
	manifest, seal := cut(e.head)
	seal[3] ^= 1
	blob := append(assemble(manifest, seal, nil), e.payload...)
	if _, err := use(blob, wantOf(e.manifest), trust(nil)); !errors.Is(err, ErrSignature) {
		t.Errorf("a wrong signature that nobody needs: %v", err)
	}
}

// The tools of the tamper test make entries that are used if nothing is wrong
// with what they are given: what it rejects is rejected for what is wrong.
func TestResealedIsUsed(t *testing.T) {
	for _, sign := range []*SigningKey{nil, key(t, 1)} {
		w := newWorld(t, sign)
		for name, a := range map[string]attack{
			"the same field":   edits(`"name":"hello"`),
			"another field":    edits(`"name":"world"`),
			"the same text":    func(w *world) ([]byte, Want) { return w.sealText(w.text()) },
			"the same payload": func(w *world) ([]byte, Want) { return w.rebound(w.a.payload) },
			"forged":           func(w *world) ([]byte, Want) { return w.forge(sign) },
		} {
			blob, want := a(w)
			if _, err := use(blob, want, w.reader); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	private := key(t, 1)
	k, err := ParseKey(" " + private.Secret() + "\n")
	if err != nil || k.Signing.Secret() != private.Secret() || k.Verify.String() != private.Public().String() {
		t.Errorf("the private key: %v", err)
	}
	if k, err = ParseKey(private.Public().String()); err != nil || k.Signing != nil || k.Verify.ID() != private.Public().ID() {
		t.Errorf("the public key: %v", err)
	}
	if id := private.Public().ID(); len(id) != 8 || id == key(t, 2).Public().ID() {
		t.Errorf("the id is %s", id)
	}
	random := must[*SigningKey](t)(GenerateKey(nil))
	if random.Secret() == must[*SigningKey](t)(GenerateKey(nil)).Secret() {
		t.Error("two keys are the same")
	}
	if _, err := GenerateKey(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a key was made of 31 bytes")
	}
}

// No way of printing a key, or an error about one, shows it.
func TestKeysStaySecret(t *testing.T) {
	private := key(t, 'S')
	secret := strings.TrimPrefix(private.Secret(), privateText)
	k := Key{Signing: private, Verify: private.Public()}
	printed, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		printed = fmt.Appendf(printed, verb+verb+verb, private, k, struct{ K any }{private})
	}
	for _, text := range []string{
		secret, privateText + secret[1:], privateText + secret + "A", privateText + secret + secret, publicText + secret + "=",
		privateText + "\n" + secret, "gorun-cache-key-2:" + secret, privateText + strings.TrimRight(secret, "="), strings.ToUpper(private.Secret()),
		privateText + base64.RawURLEncoding.EncodeToString(make([]byte, ed25519.PrivateKeySize)), "", privateText,
	} {
		_, err := ParseKey(text)
		if err == nil {
			t.Errorf("%q was parsed", text)
			continue
		}
		printed = append(printed, err.Error()...)
	}
	for _, part := range []string{secret, secret[1:20], "535353", "83 83"} { // in base64, hex and decimal
		if bytes.Contains(printed, []byte(part)) {
			t.Errorf("%q is shown in %s", part, printed)
		}
	}
}
