// Package report shows a run: its Events as JSON records ([JSON]) or as text
// for people ([Text], [Compat]), its Result as a file ([WriteVerdict]).
//
// # The log
//
// The log is one JSON object on each line, in UTF-8, each line ended by "\n".
// A reader must accept fields that it does not know. Each record has
//
//	time   string  always  RFC 3339, UTC, six digits of fraction; never runs backwards if the clock does not
//	level  string  always  "info"; "warn" for a warning; "error" for a diagnostic and for the result of a failed run, which is "warn" when it is tolerated
//	event  string  always  one of the events below
//
// and the fields of its event. "always" is a field that is never left out;
// any other is left out when what stands beside it does not hold. The element
// of an array is written [], the field of an object after a dot.
//
// The plan, once every question of the run has an answer:
//
//	plan
//	  package          array   always                 the package argument, or the files of a file list
//	  package[]        string
//	  dir              string  always                 the absolute working directory
//	  module           string  inside a module        the absolute root of the main module
//	  go_version       string  when one is asked for  "1.26" or "1.26.8"
//	  go_version_from  string  with go_version        who asks: "--go-version", "go.mod", …
//	  target           string  always                 "os/arch" of the executable
//	  exec             array   with an exec program   the words of the program that runs the executable
//	  exec[]           string
//	  command          array   always                 the effective go command line
//	  command[]        string
//	  key              string  when there is one      the executable key
//
// How far a task has come, if it takes longer than a second: at most one
// record in 3 s for each task, and its last one:
//
//	progress
//	  task   string  always             "downloading go1.26.11"
//	  done   number  always             in units
//	  total  number  when known         in units
//	  unit   string  when there is one  "bytes", "files" or "seconds"
//
// With --explain, every input of the key:
//
//	explain
//	  key             string  when there is one  the executable key
//	  inputs          array   always
//	  inputs[]        object
//	  inputs[].kind   string  always             "toolchain", "target", "directory", "package", "flag", "env", "compiler", "module", "profile", "file" or "embed"
//	  inputs[].name   string  always             a path relative to the workspace, a flag, a variable
//	  inputs[].value  string  always             a fingerprint, or what is short and no secret
//
// Whether an earlier run left the executable:
//
//	restore
//	  key                 string  when there is one   the executable key
//	  cache               string  always              "hit", "miss" or "no_key"
//	  executable          object  after a hit
//	  executable.sha256   string  always              lower-case hex
//	  executable.size     number  always              bytes
//	  reasons             array   without a key       why there is none
//	  reasons[]           string
//	  differences         array   when some are known what has changed since the nearest executable, at most 50
//	  differences[]       string
//	  more                number  when there are more
//	  saving              object  from a shared store what it spared this run
//	  saving.store        string  always              its name, as --cache-to has it
//	  saving.what         string  always              "executable"
//	  saving.bytes        number  always              downloaded
//	  saving.saved_ms     number  always              how much longer a build takes, as far as is known
//	  saving.saved_bytes  number  when known          how many more bytes a build needs of caches
//	  took_ms             number  always              milliseconds
//
// What a shared store (--cache-to) was asked, and what came of it:
//
//	transfer
//	  store       string  always                 its name, as --cache-to has it
//	  op          string  always                 "restore" or "save"
//	  what        string  always                 "executable" or "pack": a part of the go command's caches
//	  key         string  always                 the key that was asked for, or saved
//	  prefixes    array   when others would do   what other keys may begin with, the best first
//	  prefixes[]  string
//	  matched     string  when there was one     the key of what the store had
//	  outcome     string  always                 "hit", "near", "miss", "refused", "fault", "skipped", "kept", "exists" or "read_only"
//	  reason      string  when there is one      why
//	  bytes       number  always                 that went over the line
//	  took_ms     number  always                 milliseconds
//
// Whether the executable that was built is kept for later runs:
//
//	save
//	  key        string   always
//	  kept       boolean  always
//	  reasons    array    when it is not kept
//	  reasons[]  string
//	  took_ms    number   always               milliseconds
//
// The build. The first record has the command, the last one the executable;
// between them is a record for each line of the go command's text that is no
// part of a diagnostic:
//
//	build
//	  builder            string  in the first record  "host" or "docker"
//	  toolchain          object  in the first record
//	  toolchain.version  string  when known           the Go release: "1.26.11"
//	  toolchain.image    string  in a container       the reference of the image
//	  toolchain.digest   string  in a container       the digest that pins the image
//	  toolchain.path     string  on the host          the go command
//	  command            array   in the first record  the go command line
//	  command[]          string
//	  output             string  in a text record     one line without its newline
//	  executable         object  in the last record
//	  executable.sha256  string  always               lower-case hex
//	  executable.size    number  always               bytes
//	  took_ms            number  in the last record   milliseconds
//
// A compiler error, or the place of a panic or of a data race:
//
//	diagnostic
//	  kind      string  always      "error" (of the go command), "panic", "race" or "timeout"
//	  file      string  when known  relative to dir and with slashes; absolute outside it
//	  line      number  when known  from 1
//	  column    number  when known  from 1, in bytes
//	  message   string  always      may have several lines
//	  package   string  when known  the import path
//	  function  string  when known  the function of the frame
//
// The program runs:
//
//	start
//	  pid        number  on this machine  the process id
//	  command    array   always           the program as executed
//	  command[]  string
//
// A piece of the program's output, with --output=json only. Exactly one of
// line, json and base64 is there; see [JSON.Stream]:
//
//	output
//	  stream   string   always                "stdout" or "stderr"
//	  line     string   when it is text       the piece, without its newline
//	  json     object   when it is an object  the line itself, byte for byte
//	  base64   string   when it is not UTF-8  the piece (RFC 4648 section 4), without its newline
//	  partial  boolean  without a newline     true: no newline follows this piece
//
// The program has ended:
//
//	exit
//	  status   number   always                  the exit code, or 128 + the signal
//	  signal   string   when a signal ended it  "SIGTERM"
//	  oom      boolean  when it holds           true: the kernel killed it for memory
//	  stopped  boolean  when it holds           true: gorun ended it, for its time limit
//	  took_ms  number   always                  milliseconds
//
// A fault that did not change the result, and something to know:
//
//	warning
//	  message  string  always
//	  hint     string  when there is one  what to do about it
//
//	notice
//	  message  string  always
//
// The last record of every run. Its fields, without the first three, are those
// of the verdict file:
//
//	result
//	  outcome                 string  always                  "success", "failure", "panic", "race", "signal", "oom", "timeout", "cancelled", "usage", "build_failed", "integrity", "infrastructure", "not_executable" or "not_found"
//	  phase                   string  always                  the last phase reached: "inputs", "plan", "restore", "toolchain", "build" or "run"
//	  exit_status             number  always                  gorun's own
//	  tolerated               boolean with --fail-on          true: it is no failure, and gorun exits with 0 instead
//	  program_status          number  when a program ended    its exit code, or 128 + the signal
//	  signal                  string  when a signal ended it  "SIGTERM"
//	  error                   string  on failure              one sentence
//	  hint                    string  when there is one       what to do about it
//	  reproduce               string  on failure              the command line that does the same again
//	  package                 string  when known              the package argument
//	  dir                     string  when known              the absolute working directory
//	  builder                 string  when one was chosen     "host" or "docker"
//	  toolchain               object  when one was chosen
//	  toolchain.version       string  when known              as in the build record
//	  toolchain.image         string  in a container
//	  toolchain.digest        string  in a container
//	  toolchain.path          string  on the host
//	  executable              object  when there is one
//	  executable.sha256       string  always                  lower-case hex
//	  executable.size         number  always                  bytes
//	  cache                   string  always                  "hit", "miss", "no_key", "verified" or "off"
//	  key                     string  when there is one       the executable key
//	  saving                  object  from a shared store     what it spared this run
//	  saving.store            string  always                  as in the restore record
//	  saving.what             string  always                  "executable" or "pack"
//	  saving.bytes            number  always
//	  saving.saved_ms         number  always
//	  saving.saved_bytes      number  when known
//	  command                 array   when known              the effective go command line
//	  command[]               string
//	  timings_ms              object  always                  milliseconds
//	  timings_ms.plan         number  always
//	  timings_ms.restore      number  always
//	  timings_ms.toolchain    number  always
//	  timings_ms.build        number  always
//	  timings_ms.run          number  always
//	  timings_ms.total        number  always
//	  diagnostics             array   when there are some     the diagnostic records
//	  diagnostics[]           object
//	  diagnostics[].kind      string  always                  as in the diagnostic record
//	  diagnostics[].file      string  when known
//	  diagnostics[].line      number  when known
//	  diagnostics[].column    number  when known
//	  diagnostics[].message   string  always
//	  diagnostics[].package   string  when known
//	  diagnostics[].function  string  when known
//
// A run in three records, of which the first and the last are cut short here
// (testdata/events.jsonl has every kind):
//
//	{"time":"2026-01-02T15:04:05.000000Z","level":"info","event":"start","pid":4711,"command":["/tmp/gorun-1/hello"]}
//	{"time":"2026-01-02T15:04:05.001200Z","level":"info","event":"output","stream":"stdout","line":"hello"}
//	{"time":"2026-01-02T15:04:05.001900Z","level":"info","event":"result","outcome":"success","phase":"run","exit_status":0,…}
package report
