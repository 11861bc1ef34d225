package cachekeys

import (
	"strings"
)

// vcsSettings returns the keys and values of a git configuration (git-config(1),
// CONFIGURATION FILE).
func vcsSettings(text string) (list [][2]string, ok bool) {
	section := ""
	for text = strings.TrimPrefix(text, "\ufeff"); ; {
		text = strings.TrimLeft(text, " \t\r\n\f\v")
		if text == "" {
			return list, true
		}
		switch name, rest := vcsName(text); {
		case text[0] == '#' || text[0] == ';':
			_, text, _ = strings.Cut(text, "\n")
		case text[0] == '[':
			if section, text, ok = vcsSection(text[1:]); !ok {
				return nil, false
			}
		case name == "" || section == "":
			return nil, false
		default:
			value := "true"
			if rest, found := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); found {
				value, text = vcsValue(rest)
			} else {
				_, text, _ = strings.Cut(rest, "\n")
			}
			list = append(list, [2]string{section + "." + name, value})
		}
	}
}

func vcsName(text string) (name, rest string) {
	n := strings.IndexFunc(text, func(r rune) bool { return r != '-' && r != '.' && (r > 0x7f || !isIdent(byte(r)) || r == '_') })
	if n < 0 {
		n = len(text)
	}
	return text[:n], text[n:]
}

// vcsSection reads `name "subsection"]`.
func vcsSection(text string) (section, rest string, ok bool) {
	section, rest = vcsName(text)
	rest = strings.TrimLeft(rest, " \t")
	if sub, quoted := strings.CutPrefix(rest, `"`); quoted {
		n := 0
		for n < len(sub) && sub[n] != '"' && sub[n] != '\n' {
			if sub[n] == '\\' {
				n++
			}
			n++
		}
		if n >= len(sub) || sub[n] != '"' {
			return "", "", false
		}
		section, rest = section+"."+sub[:n], sub[n+1:]
	}
	rest, ok = strings.CutPrefix(rest, "]")
	return section, rest, ok && section != ""
}

// vcsValue reads a value up to the end of its last line.
func vcsValue(text string) (value, rest string) {
	var b strings.Builder
	quoted, kept := false, 0 // kept is the length without blanks at the end
	for text != "" && text[0] != '\n' {
		c, n := text[:1], 1
		blank := !quoted && strings.Contains(" \t\r", c)
		switch {
		case !quoted && strings.Contains("#;", c):
			_, rest, _ = strings.Cut(text, "\n")
			return b.String()[:kept], rest
		case c == `"`:
			quoted, c = !quoted, ""
		case c == `\`:
			c, n = vcsEscape(text)
		case blank && b.Len() == 0:
			c = ""
		}
		b.WriteString(c)
		if !blank {
			kept = b.Len()
		}
		text = text[n:]
	}
	return b.String()[:kept], text
}

// vcsEscape returns what the backslash that text begins with stands for, and
// how many bytes that takes.
func vcsEscape(text string) (value string, n int) {
	for _, e := range [][2]string{{"\\\n", ""}, {"\\\r\n", ""}, {`\n`, "\n"}, {`\t`, "\t"}, {`\b`, "\b"}} {
		if strings.HasPrefix(text, e[0]) {
			return e[1], len(e[0])
		}
	}
	n = min(len(text), 2)
	return text[n-1 : n], n
}
