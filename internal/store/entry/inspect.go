package entry

import "io"

// MaxManifest is how many bytes [ReadManifest] reads at most.
const MaxManifest = len(magic) + 4 + maxManifest + 1 + 64

// ReadManifest reads the beginning of the entry that a store has under key, and
// checks its format, its seal, and that it was made for that key. It does not
// say whether the entry may be trusted; see [Trust.Admits]. Errors are as those
// of [Open].
func ReadManifest(r io.Reader, key string) (Manifest, error) {
	m, err := readManifest(r)
	if err == nil && m.Key != key {
		err = damaged("it was made for the key %s and is kept under %.512q", m.Key, key)
	}
	return m, err
}

// Inspect is [Open] for who looks after a store, and runs nothing of it: any
// kind of entry will do, whoever wrote it.
func Inspect(r io.Reader, key string) (*Opened, error) {
	m, err := ReadManifest(r, key)
	if err != nil {
		return nil, err
	}
	about, err := readAbout(r, m.About)
	if err != nil {
		return nil, err
	}
	return &Opened{m, about, verify(r, m.Payload)}, nil
}
