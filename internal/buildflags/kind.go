package buildflags

import (
	"errors"
	"strconv"
	"strings"
)

// kind says which values a flag takes. Only what the go command itself refuses
// while it parses flags, in every release, is refused here: enumerations may
// grow and are left to it.
type kind int

const (
	asText  kind = iota
	asBool       // flag.BoolVar
	asVCS        // buildvcsFlag: a boolean, or "auto"
	asInt        // flag.IntVar
	asWords      // base.StringsFlag
	asTags       // tagsFlag
	asTool       // load.PerPackageFlag
)

// normalize returns the canonical form of a value, or the go command's own
// error (cmd/go/internal/work/build.go, load/flag.go, flag/flag.go).
func (k kind) normalize(value string) (string, error) {
	switch k {
	case asBool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return "", errors.New("parse error")
		}
		return strconv.FormatBool(b), nil
	case asVCS:
		return normalizeVCS(value)
	case asInt:
		_, err := strconv.ParseInt(value, 0, strconv.IntSize)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return "", errors.New("value out of range")
		case err != nil:
			return "", errors.New("parse error")
		}
	case asWords:
		_, err := SplitQuoted(value)
		return value, err
	case asTags:
		if strings.ContainsAny(value, " '") {
			_, err := SplitQuoted(value)
			return value, err
		}
	case asTool:
		_, err := parseToolFlags(value)
		return value, err
	}
	return value, nil
}

func normalizeVCS(value string) (string, error) {
	if value == "" || value == "auto" {
		return "auto", nil
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		return "", errors.New("value is neither 'auto' nor a valid bool")
	}
	return strconv.FormatBool(b), nil
}
