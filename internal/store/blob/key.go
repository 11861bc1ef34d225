package blob

import (
	"fmt"
	"strings"
)

// MaxKey is how long a key may be, in bytes.
const MaxKey = 512

// CheckKey says what is wrong with a key, or with the beginning of one that a
// prefix is.
func CheckKey(key string) error {
	ok := key != "" && len(key) <= MaxKey && key[0] != '.' && !strings.Contains(key, "..")
	for i := 0; ok && i < len(key); i++ {
		c := key[i]
		ok = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-'
	}
	if !ok {
		return fmt.Errorf("%.64q is not a valid key: a key has 1 to %d of a-z, 0-9, \"-\" and single \".\"", key, MaxKey)
	}
	return nil
}

func checkKeys(key string, prefixes []string) error {
	for _, k := range append([]string{key}, prefixes...) {
		if err := CheckKey(k); err != nil {
			return err
		}
	}
	return nil
}
