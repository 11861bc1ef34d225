package provision

import (
	"net/http"
	"os"
	"strings"
)

// netrcTransport adds the credentials of a netrc file as the go command does:
// to https requests only, for a machine that is the URL's host with its port
// (cmd/go/internal/auth).
type netrcTransport struct {
	logins map[string][2]string // by machine: name and password
}

func withNetrc(file string) http.RoundTripper {
	data, err := os.ReadFile(file)
	if err != nil {
		return http.DefaultTransport
	}
	return netrcTransport{parseNetrc(string(data))}
}

func (t netrcTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	login, known := t.logins[req.URL.Host]
	if known && req.URL.Scheme == "https" && req.URL.User == nil && req.Header.Get("Authorization") == "" {
		req = req.Clone(req.Context())
		req.SetBasicAuth(login[0], login[1])
	}
	return http.DefaultTransport.RoundTrip(req)
}

// parseNetrc reads "machine M login L password P"; the first entry of a machine
// counts. "default" and macros end the file: the go command has no use for
// either.
func parseNetrc(text string) map[string][2]string {
	logins := map[string][2]string{}
	var machine, login string
	words := strings.Fields(text)
	for i := 0; i+1 < len(words); i += 2 {
		value := words[i+1]
		switch words[i] {
		case "machine":
			machine, login = value, ""
		case "login":
			login = value
		case "password":
			if _, known := logins[machine]; !known && machine != "" && login != "" {
				logins[machine] = [2]string{login, value}
			}
		case "default", "macdef":
			return logins
		}
	}
	return logins
}
