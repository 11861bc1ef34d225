package entry

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
)

// resealed are entries sealed again with the very key (or digest) that readers
// take: what a gorun with a fault could make, or who has stolen the key.
func resealed() map[string]attack {
	all := map[string]attack{
		"bomb":                       (*world).bomb,
		"bomb within about":          (*world).aboutBomb,
		"trailing garbage, bound":    (*world).boundGarbage,
		"frames put together, bound": func(w *world) ([]byte, Want) { return w.rebound(append(bytes.Clone(w.a.payload), w.b.payload...)) },
		"half a stream, bound":       func(w *world) ([]byte, Want) { return w.rebound(w.a.payload[:1+w.rng.IntN(len(w.a.payload)-1)]) },
		"no stream, bound":           func(w *world) ([]byte, Want) { return w.rebound(w.noise(1 + w.rng.IntN(500))) },
		"hostile name":               edits(hostileNames()...),
		"hostile key":                edits(`"key":"../../x"`, `"key":"a/b"`, `"key":""`, `"key":"A"`, `"key":".."`, fmt.Sprintf(`"key":%q`, strings.Repeat("k", 600))),
		"other kind":                 edits(`"kind":"pack"`, `"kind":""`, `"kind":"Executable"`, `"kind":"other"`),
		"huge sizes":                 (*world).hugeSizes,
		"unknown field":              (*world).unknownField,
		"double field":               (*world).doubleField,
		"another spelling":           (*world).respelled,
		"from a pull request":        (*world).fromElsewhere,
		"manifest that is no JSON": func(w *world) ([]byte, Want) {
			return append(w.sealed(w.noise(w.rng.IntN(400)), w.sign), w.a.payload...), w.want()
		},
	}
	return maps.Clone(all)
}

func hostileNames() []string {
	names := []string{"../x", "a/b", "a\x00", "", "/", ".", "..", "/etc/passwd", strings.Repeat("n", 300), "\x00"}
	for i, name := range names {
		names[i] = `"name":` + strings.ReplaceAll(fmt.Sprintf("%q", name), `\x00`, `\u0000`)
	}
	return append(names, "\"name\":\"\xff\"", `"name":null`, `"name":7`)
}

// edits replaces the field that each begins with in a manifest, one at a time.
func edits(fields ...string) attack {
	return func(w *world) ([]byte, Want) {
		field := fields[w.rng.IntN(len(fields))]
		name, _, _ := strings.Cut(field, ":")
		before, rest, _ := strings.Cut(string(mustJSON(w.a.manifest.filled(nil, w.sign))), name+":")
		_, after, _ := strings.Cut(rest, ",")
		return append(w.sealed([]byte(before+field+","+after), w.sign), w.a.payload...), w.want()
	}
}

// rebound is an entry whose manifest binds a payload that is not its program's.
func (w *world) rebound(payload []byte) ([]byte, Want) {
	m := w.a.manifest
	m.Payload = DigestOf(payload)
	return append(w.reseal(m, w.sign), payload...), w.want()
}

func (w *world) bomb() ([]byte, Want) { return w.rebound(w.bombs[w.rng.IntN(len(w.bombs))]) }

func (w *world) boundGarbage() ([]byte, Want) {
	return w.rebound(append(bytes.Clone(w.a.payload), w.noise(1+w.rng.IntN(50))...))
}

func (w *world) aboutBomb() ([]byte, Want) {
	m := w.a.manifest.filled(w.bombs[1], w.sign)
	manifest := mustJSON(m)
	return append(assemble(manifest, sealOf(manifest, w.sign), w.bombs[1]), w.a.payload...), w.want()
}

func (w *world) hugeSizes() ([]byte, Want) {
	m := w.a.manifest
	size := []int64{-1, 0, 1 << 40, 1 << 62, maxProgram + 1, m.Content.Size + 1, m.Content.Size - 1}[w.rng.IntN(7)]
	if w.rng.IntN(2) == 0 {
		m.Content.Size = size
	} else {
		m.Payload.Size = size
	}
	return append(w.reseal(m, w.sign), w.a.payload...), w.want()
}

func (w *world) text() string { return string(mustJSON(w.a.manifest.filled(nil, w.sign))) }

func (w *world) sealText(text string) ([]byte, Want) {
	return append(w.sealed([]byte(text), w.sign), w.a.payload...), w.want()
}

func (w *world) unknownField() ([]byte, Want) {
	return w.sealText(strings.TrimSuffix(w.text(), "}") + fmt.Sprintf(`,"x%d":%d}`, w.rng.IntN(9), w.rng.IntN(9)))
}

func (w *world) doubleField() ([]byte, Want) {
	field := []string{`"key":"` + w.a.manifest.Key + `"`, `"kind":"executable"`, `"name":"hello"`, `"Name":"../x"`, `"KEY":"` + keyB + `"`}[w.rng.IntN(5)]
	if w.rng.IntN(2) == 0 {
		return w.sealText("{" + field + "," + strings.TrimPrefix(w.text(), "{"))
	}
	return w.sealText(strings.TrimSuffix(w.text(), "}") + "," + field + "}")
}

func (w *world) respelled() ([]byte, Want) {
	old, changed := [][2]string{
		{":", ": "}, {"hello", `hell\u006f`}, {`"name"`, `"NAME"`}, {"{", " {"}, {"}", "}\n"}, {"21Z", "21+00:00"}, {"21Z", "21.0Z"},
		{`"executable"`, `"executable","name":null`}, {"21Z", "21.5Z"}, {"}", "}}"}, {"}", "}{}"},
	}[w.rng.IntN(11)], ""
	changed = strings.Replace(w.text(), old[0], old[1], 1)
	return w.sealText(changed)
}

// fromElsewhere is an entry of a run whose results this one must not use.
func (w *world) fromElsewhere() ([]byte, Want) {
	m := w.a.manifest
	m.Origin = []Origin{
		{"org/app", "refs/pull/7/merge", "pull_request"},
		{"org/app", "refs/pull/7/merge", "push"},
		{"org/app", "refs/heads/main", "pull_request_target"},
		{"org/app", "refs/heads/main", "issue_comment"},
		{"org/app", "refs/heads/main", "workflow_run"},
		{"evil/app", "refs/heads/main", "push"},
		{"", "refs/pull/7/head", ""},
	}[w.rng.IntN(7)]
	return append(w.reseal(m, w.sign), w.a.payload...), w.want()
}
